//! The style sheet and the icon: they never change under their names, so browsers may keep them.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::failure::Failure;

const STYLE: &str = include_str!("../assets/style.css");
const ICON: &str = include_str!("../assets/icon.svg");

static STYLE_NAME: LazyLock<String> = LazyLock::new(|| name(STYLE, "css"));
static ICON_NAME: LazyLock<String> = LazyLock::new(|| name(ICON, "svg"));

/// The path of the style sheet.
pub(crate) fn style() -> String {
    format!("/assets/{}", *STYLE_NAME)
}

/// The path of the icon.
pub(crate) fn icon() -> String {
    format!("/assets/{}", *ICON_NAME)
}

/// `GET /assets/{file}`
pub(crate) async fn show(Path(file): Path<String>) -> Result<Response, Failure> {
    let (kind, text) = match file {
        file if file == *STYLE_NAME => ("text/css; charset=utf-8", STYLE),
        file if file == *ICON_NAME => ("image/svg+xml", ICON),
        _ => return Err(Failure::NotFound),
    };
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    Ok((headers, text).into_response())
}

/// A name that changes with what the file holds.
fn name(text: &str, ending: &str) -> String {
    let mut hash = DefaultHasher::new();
    text.hash(&mut hash);
    format!("{:016x}.{ending}", hash.finish())
}
