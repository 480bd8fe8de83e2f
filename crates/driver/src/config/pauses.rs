//! `[[pause]]`: when Sage is left alone every week.

use jiff::civil::Weekday;
use toml::Table;

use super::mistake::Mistake;
use super::pace::HourWindow;
use super::place::Place;
use super::section::{Section, texts};
use crate::pause::{PauseSchedule, PauseWindow};

/// Keys of a section.
pub(super) const KEYS: &[&str] = &["days", "from", "to", "reason"];
const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];
const EXAMPLE_DAYS: &str = "days = [\"sat\", \"sun\"]";
/// What is shown in a line of `status`.
const MOST_REASON: usize = 200;

/// Reads the sections.
pub(super) fn read_all(sections: &[Table], place: &Place) -> Result<PauseSchedule, Mistake> {
    let windows = sections.iter().enumerate();
    let windows = windows.map(|(index, table)| read(&Section::new(table, place.index(index))));
    Ok(PauseSchedule(windows.collect::<Result<_, _>>()?))
}

fn read(section: &Section<'_>) -> Result<PauseWindow, Mistake> {
    section.only_keys(KEYS, "")?;
    let from = time(section, "from", "22:00")?;
    let to = time(section, "to", "23:30")?;
    let text = format!("{from}-{to}");
    let Ok(hours) = text.parse::<HourWindow>() else {
        let is_one_time = from == to;
        return Err(Mistake::new(
            &section.place.key(if is_one_time { "to" } else { "from" }),
            if is_one_time {
                format!("it ends at {to}, when it begins")
            } else {
                format!("{from} to {to} are no times of day")
            },
            "write from = \"22:00\" and to = \"23:30\", two different times in the Sage server's time",
        ));
    };
    Ok(PauseWindow {
        days: days(section)?,
        from: hours.from,
        to: hours.to,
        reason: reason(section)?,
    })
}

fn time<'a>(section: &Section<'a>, key: &str, example: &str) -> Result<&'a str, Mistake> {
    let example = format!("{key} = \"{example}\"");
    let Some((text, place)) = section.text(key, &example)? else {
        return Err(Mistake::new(
            &section.place,
            format!("there is no {key}"),
            format!("write {example}, in the Sage server's time"),
        ));
    };
    // Beside a time that is right, whatever is refused is this one.
    let beside = if text == "00:00" { "00:01" } else { "00:00" };
    if format!("{text}-{beside}").parse::<HourWindow>().is_err() {
        return Err(Mistake::new(
            &place,
            format!("{text:?} is no time of day"),
            format!("write {example}, in the Sage server's time"),
        ));
    }
    Ok(text)
}

fn days(section: &Section<'_>) -> Result<Vec<Weekday>, Mistake> {
    let Some((value, place)) = section.get("days") else {
        return Ok(DAYS.iter().map(|(_, day)| *day).collect());
    };
    let names = texts(value, &place, EXAMPLE_DAYS)?;
    if names.is_empty() {
        return Err(Mistake::new(
            &place,
            "an empty list is no day at all",
            format!("write {EXAMPLE_DAYS}, or take the line out for every day"),
        ));
    }
    let known = |name: &String| DAYS.iter().find(|(known, _)| known == name).map(|(_, day)| *day);
    let mut days = Vec::new();
    for (index, name) in names.iter().enumerate() {
        match known(name) {
            Some(day) => days.push(day),
            None => {
                return Err(Mistake::new(
                    &place.index(index),
                    format!("{name:?} is no day"),
                    format!("use some of {}", DAYS.map(|(name, _)| name).join(", ")),
                ));
            }
        }
    }
    Ok(days)
}

fn reason(section: &Section<'_>) -> Result<String, Mistake> {
    let Some((text, place)) = section.text("reason", "reason = \"backup\"")? else {
        return Ok(String::new());
    };
    if text.chars().count() > MOST_REASON || text.chars().any(char::is_control) {
        return Err(Mistake::new(
            &place,
            "it does not fit a line",
            format!("use up to {MOST_REASON} characters in one line"),
        ));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use jiff::civil::time;

    use super::super::{Config, ConfigError};
    use super::*;

    fn parse(sections: &str) -> Result<Config, ConfigError> {
        let text = format!(
            "[hub]\nurl = \"https://hub.example.com\"\n[erp]\ntime_zone = \"America/New_York\"\n\
             [[company]]\ncode = \"ABC\"\nedition = \"standard\"\nreader.sandbox = \"company.db\"\n{sections}"
        );
        Config::parse(Path::new("config.toml"), &text)
    }

    #[test]
    fn windows_are_read() {
        let config = parse(
            "[[pause]]\ndays = [\"sat\", \"wed\"]\nfrom = \"22:00\"\nto = \"01:30\"\nreason = \"backup\"\n\
             [[pause]]\nfrom = \"12:00\"\nto = \"12:05\"\n",
        )
        .unwrap();
        let [first, second] = config.pauses.0.as_slice() else {
            panic!("{:?}", config.pauses);
        };
        assert_eq!(first.days, [Weekday::Saturday, Weekday::Wednesday]);
        assert_eq!((first.from, first.to), (time(22, 0, 0, 0), time(1, 30, 0, 0)));
        assert_eq!((first.reason.as_str(), second.reason.as_str()), ("backup", ""));
        assert_eq!(second.days.len(), 7);
        assert_eq!(parse("").unwrap().pauses, PauseSchedule::default());
    }

    #[test]
    fn mistakes_name_their_line_and_what_to_write() {
        let whole = "from = \"22:00\"\nto = \"23:30\"\n";
        let cases = [
            ("to = \"23:30\"\n".to_owned(), 9, "pause[0]", "from = \"22:00\""),
            ("from = \"22:00\"\n".to_owned(), 9, "pause[0]", "to = \"23:30\""),
            (
                "from = \"25:00\"\nto = \"23:30\"\n".to_owned(),
                10,
                "pause[0].from",
                "22:00",
            ),
            (
                "from = \"22:00\"\nto = \"9\"\n".to_owned(),
                11,
                "pause[0].to",
                "23:30",
            ),
            (
                "from = \"22:00\"\nto = \"22:00\"\n".to_owned(),
                11,
                "pause[0].to",
                "two different",
            ),
            (
                format!("{whole}days = [\"sat\", \"sonntag\"]\n"),
                12,
                "pause[0].days[1]",
                "sun",
            ),
            (format!("{whole}days = []\n"), 12, "pause[0].days", "every day"),
            (
                format!("{whole}reason = \"a\\nb\"\n"),
                12,
                "pause[0].reason",
                "one line",
            ),
            (
                format!("{whole}until = \"x\"\n"),
                12,
                "pause[0].until",
                "days, from, to, reason",
            ),
        ];
        for (section, line, place, remedy) in cases {
            let error = parse(&format!("[[pause]]\n{section}")).unwrap_err();
            assert_eq!(error.place, place, "{section}: {error}");
            assert_eq!(error.line, Some(line), "{section}: {error}");
            assert!(error.remedy.contains(remedy), "{section}: {}", error.remedy);
        }
    }
}
