//! Money: whole cents.

use std::fmt;

/// A price in cents; shown as `€12.50`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Price(pub(crate) i32);

impl Price {
    /// The price of several; at most `i32::MAX` cents.
    pub(crate) fn times(self, quantity: u32) -> Price {
        Price(self.0.saturating_mul(i32::try_from(quantity).unwrap_or(i32::MAX)))
    }
}

impl std::iter::Sum for Price {
    fn sum<I: Iterator<Item = Price>>(prices: I) -> Price {
        Price(prices.fold(0, |sum, price| sum.saturating_add(price.0)))
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "€{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_add_up_and_are_shown_with_two_digits() {
        assert_eq!(Price(1450).times(2).to_string(), "€29.00");
        assert_eq!([Price(780), Price(5)].into_iter().sum::<Price>().to_string(), "€7.85");
        assert_eq!(Price(i32::MAX).times(2), Price(i32::MAX));
    }
}
