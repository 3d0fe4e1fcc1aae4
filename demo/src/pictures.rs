//! The pictures of the products. Each is a request of its own, which notes in the session that the product was seen: so a page brings
//! ten requests that use one session at once.

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use diesel::prelude::*;
use diesel_sessions::{Error, Session};

use crate::engine::schema::products;
use crate::engine::{Conn, Id};
use crate::failure::Failure;
use crate::model::{AppSession, Product, Web};

/// How many products the account page names.
const MOST_SEEN: usize = 3;

/// `GET /pictures/{product}`
pub(crate) async fn show(session: Web, Path(product): Path<Id>) -> Result<Response, Failure> {
    let picture = session
        .run(move |conn, _| {
            let picture = products::table.find(product).select(products::picture);
            Ok::<_, Error>(picture.first::<String>(conn).optional()?)
        })
        .await?;
    let svg = draw(&picture.ok_or(Failure::NotFound)?).ok_or(Failure::NotFound)?;
    note(&session, product).await;
    // Shown again, it is asked for again: that is what this demo wants to see.
    let headers = [(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "private, no-cache")];
    Ok((headers, svg).into_response())
}

/// Counts that a product was seen, in a session that is there anyway: looking around makes none. The count is worth no error: if the
/// user signs in or out at this moment, or anything else goes wrong, `run` leaves the session as it was, and the picture is shown.
async fn note(session: &Web, product: Id) {
    match session.with(|s| Ok::<_, Error>((s.row_id().is_some(), s.is_superseded()))) {
        Ok((true, _)) => {}
        Ok((false, true)) => {
            return tracing::debug!("not noted: the request came with the token that a sign-in has just replaced");
        }
        Ok((false, false)) => return,
        Err(error) => return tracing::debug!(%error, "not noted"),
    }
    let key = key(product);
    let noted = session.run(move |conn, s| {
        let times = s.get_or(&key, 0_u32)?.saturating_add(1);
        s.insert(&key, times)?;
        // A key for each product: the other nine requests change others, and no change is lost.
        s.save(conn)
    });
    if let Err(error) = noted.await {
        tracing::debug!(%error, "not noted");
    }
}

/// The products that this session has seen most.
pub(crate) fn most_seen(conn: &mut Conn, session: &Session<AppSession>) -> Result<Vec<Product>, Error> {
    let mut seen = Vec::new();
    for product in crate::catalogue::all(conn)? {
        let times: u32 = session.get_or(key(product.id), 0)?;
        if times > 0 {
            seen.push((times, product));
        }
    }
    seen.sort_by_key(|(times, _)| std::cmp::Reverse(*times));
    Ok(seen.into_iter().take(MOST_SEEN).map(|(_, product)| product).collect())
}

fn key(product: Id) -> String {
    format!("seen-{product}")
}

/// The picture of this name; `None` if there is none.
fn draw(picture: &str) -> Option<String> {
    // Background, glaze, its shade, its light.
    let (ground, glaze, shade, light) = match picture {
        "mug" | "jug" => ("#e9efe9", "#4f7f78", "#3a625d", "#7fada6"),
        "bowl" | "candle" => ("#f6e8dd", "#c46a3d", "#9d4f29", "#e29a72"),
        "plate" | "egg" => ("#e8ecf3", "#5b7aa6", "#435f87", "#8fabd2"),
        "teapot" | "butter" => ("#f7efd9", "#d0a03a", "#a97e23", "#ecc876"),
        "vase" | "plant" => ("#f1e6ea", "#a2586f", "#7f4055", "#cb8ba0"),
        _ => return None,
    };
    let shape = match picture {
        "mug" => {
            "<path d='M150 74c34-8 44 44 0 46' fill='none' stroke='D' stroke-width='12'/>\
             <path d='M82 58h70v66a16 16 0 0 1-16 16H98a16 16 0 0 1-16-16z' fill='G'/>\
             <path d='M132 58h20v66a16 16 0 0 1-16 16h-14q10-6 10-18z' fill='D'/>\
             <ellipse cx='117' cy='58' rx='35' ry='9' fill='L'/><ellipse cx='117' cy='59' rx='28' ry='6' fill='#4b2f22'/>\
             <path d='M106 40q-8-10 0-18t0-14M126 40q-8-10 0-18t0-14' fill='none' stroke='L' stroke-width='4' stroke-linecap='round'/>"
        }
        "bowl" => {
            "<path d='M58 78h124c0 38-24 62-62 62s-62-24-62-62z' fill='G'/>\
             <path d='M150 78h32c0 38-24 62-62 62 26-12 32-34 30-62z' fill='D'/>\
             <ellipse cx='120' cy='78' rx='62' ry='13' fill='L'/><ellipse cx='120' cy='80' rx='53' ry='9' fill='D'/>\
             <rect x='98' y='136' width='44' height='9' rx='4' fill='D'/>"
        }
        "plate" => {
            "<ellipse cx='120' cy='98' rx='78' ry='46' fill='D'/><ellipse cx='120' cy='94' rx='78' ry='46' fill='G'/>\
             <ellipse cx='120' cy='94' rx='66' ry='38' fill='L'/><ellipse cx='120' cy='95' rx='48' ry='26' fill='G'/>\
             <ellipse cx='120' cy='97' rx='44' ry='22' fill='L' opacity='.55'/>"
        }
        "teapot" => {
            "<path d='M70 92C44 84 46 62 34 58' fill='none' stroke='G' stroke-width='14' stroke-linecap='round'/>\
             <path d='M168 78c40-8 38 48 0 42' fill='none' stroke='D' stroke-width='11'/>\
             <ellipse cx='120' cy='100' rx='56' ry='42' fill='G'/>\
             <path d='M140 61c38 14 46 62 6 76a56 42 0 0 0 30-37 56 42 0 0 0-36-39z' fill='D'/>\
             <path d='M92 66q28-20 56 0z' fill='L'/><circle cx='120' cy='50' r='8' fill='D'/>\
             <path d='M84 84q8-12 20-14' fill='none' stroke='L' stroke-width='6' stroke-linecap='round'/>"
        }
        "jug" => {
            "<path d='M148 66c38-4 36 52-2 52' fill='none' stroke='D' stroke-width='10'/>\
             <path d='M88 42l58 2c-8 22 8 36 8 62 0 22-14 36-36 36s-36-14-36-36c0-28 20-40 6-64z' fill='G'/>\
             <path d='M130 43h16c-8 22 8 36 8 62 0 22-14 36-36 36 26-8 22-40 16-56-4-14-8-26-4-42z' fill='D'/>\
             <path d='M80 40q34 12 66 4-10 12-32 11-22-1-34-15z' fill='L'/>"
        }
        "vase" => {
            "<path d='M122 62C118 40 128 30 126 14' fill='none' stroke='#5d7a4a' stroke-width='4'/>\
             <path d='M124 34q-18-2-20-14 16 0 20 14zM125 26q16-4 16-16-14 2-16 16z' fill='#7d9b66'/>\
             <path d='M108 60h28c0 18 26 26 26 52 0 20-16 30-40 30s-40-10-40-30c0-26 26-34 26-52z' fill='G'/>\
             <path d='M128 60h8c0 18 26 26 26 52 0 20-16 30-40 30 30-10 26-44 16-56-6-8-10-16-10-26z' fill='D'/>\
             <ellipse cx='122' cy='60' rx='14' ry='4' fill='L'/>"
        }
        "egg" => {
            "<path d='M120 30c18 0 30 24 30 42H90c0-18 12-42 30-42z' fill='#f3ddc2'/><path d='M130 33c12 6 20 24 20 39h-14c2-16 0-28-6-39z' fill='#e3c4a0'/>\
             <path d='M84 72h72c0 26-14 38-30 41v15q18 2 20 12H94q2-10 20-12v-15c-16-3-30-15-30-41z' fill='G'/>\
             <path d='M138 72h18c0 26-14 38-30 41v15q18 2 20 12h-14q-2-8-12-12v-17c12-6 18-18 18-39z' fill='D'/>\
             <ellipse cx='120' cy='72' rx='36' ry='6' fill='L'/>"
        }
        "candle" => {
            "<path d='M120 8q12 14 0 24-12-10 0-24z' fill='#f0b13c'/><rect x='111' y='34' width='18' height='52' fill='#fbf4e6'/>\
             <rect x='122' y='34' width='7' height='52' fill='#e6d8bf'/>\
             <path d='M96 84h48v8q-14 4-14 18 0 14 34 22v10H76v-10q34-8 34-22 0-14-14-18z' fill='G'/>\
             <path d='M132 84h12v8q-14 4-14 18 0 14 34 22v10h-30q-14-16-14-34 0-16 12-24z' fill='D'/>\
             <ellipse cx='120' cy='84' rx='24' ry='5' fill='L'/>"
        }
        "plant" => {
            "<path d='M118 84C112 50 92 44 76 40c4 24 20 40 42 44zM122 84c4-34 20-50 42-56 2 30-14 50-42 56zM120 84q-12-36 2-66 16 34-2 66z' fill='#6f8f5a'/>\
             <path d='M122 84c4-34 20-50 42-56-10 16-26 34-42 56z' fill='#587546'/>\
             <path d='M82 82h76l-10 54H92z' fill='G'/><path d='M136 82h22l-10 54h-22z' fill='D'/>\
             <rect x='78' y='78' width='84' height='13' rx='4' fill='L'/><rect x='80' y='134' width='80' height='10' rx='5' fill='D'/>"
        }
        _ => {
            "<path d='M74 112c0-36 14-50 46-50s46 14 46 50z' fill='G'/><path d='M138 64c20 6 28 20 28 48h-22c2-20 0-36-6-48z' fill='D'/>\
             <circle cx='120' cy='56' r='9' fill='D'/><path d='M50 112h140q-4 24-26 26H76q-22-2-26-26z' fill='L'/>\
             <path d='M158 112h32q-4 24-26 26h-26q18-6 20-26z' fill='G'/>\
             <path d='M90 96q2-16 14-20' fill='none' stroke='L' stroke-width='6' stroke-linecap='round'/>"
        }
    };
    let shape =
        shape.replace("'G'", &format!("'{glaze}'")).replace("'D'", &format!("'{shade}'")).replace("'L'", &format!("'{light}'"));
    Some(format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 240 180'><rect x='-120' y='-90' width='480' height='360' fill='{ground}'/>\
         <ellipse cx='120' cy='146' rx='76' ry='8' fill='#000' opacity='.12'/>{shape}</svg>"
    ))
}
