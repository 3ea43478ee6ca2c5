use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

/// A length of time as people write it: `30m`, `6h`, `2d`, `13w`. A day has 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period {
    minutes: u32,
}

const UNITS: [(char, u32); 4] = [('w', 7 * 24 * 60), ('d', 24 * 60), ('h', 60), ('m', 1)];

impl Period {
    /// So many days.
    pub const fn days(days: u32) -> Period {
        Period { minutes: days * 24 * 60 }
    }

    /// So many hours.
    pub const fn hours(hours: u32) -> Period {
        Period { minutes: hours * 60 }
    }

    /// As a duration.
    pub fn duration(self) -> SignedDuration {
        SignedDuration::from_mins(self.minutes.into())
    }
}

impl FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Period, String> {
        let wrong = || format!("expected a time like \"30m\", \"6h\", \"2d\" or \"13w\", not \"{text}\"");
        let unit = text.chars().last().and_then(|last| UNITS.into_iter().find(|it| it.0 == last));
        let (letter, of_unit) = unit.ok_or_else(wrong)?;
        let number: u32 = text[..text.len() - letter.len_utf8()].parse().map_err(|_| wrong())?;
        let minutes = number.checked_mul(of_unit).filter(|it| *it > 0).ok_or_else(wrong)?;
        Ok(Period { minutes })
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The largest unit that it is a whole number of; every number of minutes is one of the last.
        let (letter, of_unit) =
            UNITS.into_iter().find(|it| self.minutes.is_multiple_of(it.1)).unwrap_or(('m', 1));
        write!(f, "{}{letter}", self.minutes / of_unit)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Period, D::Error> {
        let text = Cow::<'de, str>::deserialize(input)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Period {
    fn schema_name() -> Cow<'static, str> {
        "Period".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[1-9][0-9]{0,3}[mhdw]$",
            "examples": ["30m", "6h", "2d", "13w"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_read_and_written_as_people_do() {
        for text in ["30m", "6h", "2d", "13w", "90m"] {
            assert_eq!(text.parse::<Period>().unwrap().to_string(), text);
        }
        assert_eq!("14d".parse::<Period>().unwrap().to_string(), "2w");
        assert_eq!(Period::days(2).duration(), SignedDuration::from_hours(48));
        for text in ["", "2", "d", "0d", "-1d", "2 d", "1y", "99999999999w", "4294967295w", "2dd"] {
            assert!(text.parse::<Period>().is_err(), "{text}");
        }
    }
}
