//! Charts as SVG. Geometry is in attributes, because the content security policy forbids styles in attributes.

use maud::{Markup, html};

/// Width and height of a sparkline in pixels.
const SPARK: (f64, f64) = (190.0, 30.0);

/// Width of a gauge in pixels.
const GAUGE_WIDTH: f64 = 200.0;
/// Left end of a gauge in microseconds.
const GAUGE_START_US: f64 = 50.0;

/// Returns counts over time as an area, with the errors among them as bars.
pub(crate) fn sparkline(counts: &[u64], errors: &[u64], label: &str) -> Markup {
    let (width, height) = SPARK;
    let most = counts.iter().copied().max().unwrap_or_default().max(1);
    let step = width / f64::from(u32::try_from(counts.len().max(2) - 1).unwrap_or(1));
    let place = |index: usize| f64::from(u32::try_from(index).unwrap_or_default()) * step;
    let level = |count: u64| height - 1.0 - ratio(count, most) * (height - 4.0);
    let line: String =
        counts.iter().enumerate().map(|(index, count)| format!("{:.1},{:.1} ", place(index), level(*count))).collect();
    html! {
        svg .spark viewBox=(format!("0 0 {width} {height}")) role="img" aria-label=(label) {
            polygon .area points=(format!("0,{height} {line}{width},{height}")) {}
            polyline .line points=(line) {}
            @for (index, errors) in errors.iter().enumerate().filter(|(_, errors)| **errors > 0) {
                rect .errors x=(format!("{:.1}", place(index) - 1.0)) width="2"
                    y=(format!("{:.1}", height - (ratio(*errors, most) * (height - 4.0)).max(2.0)))
                    height=(format!("{:.1}", (ratio(*errors, most) * (height - 4.0)).max(2.0))) {}
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a position in a picture")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

/// Returns median and 95th percentile on a logarithmic track that ends at the platform's deadline.
#[expect(clippy::cast_precision_loss, reason = "a position in a picture")]
pub(crate) fn gauge(p50_us: u64, p95_us: u64, deadline_us: u64, label: &str) -> Markup {
    let place = |us: u64| {
        let span = (deadline_us as f64 / GAUGE_START_US).ln();
        ((us as f64).max(GAUGE_START_US) / GAUGE_START_US).ln() / span * GAUGE_WIDTH
    };
    let at = |us: u64| format!("{:.1}", place(us).clamp(0.0, GAUGE_WIDTH));
    let width = format!("{:.1}", (place(p95_us) - place(p50_us)).clamp(2.0, GAUGE_WIDTH));
    html! {
        svg .gauge viewBox="0 0 210 14" role="img" aria-label=(label) {
            rect .track x="0" y="3" width=(GAUGE_WIDTH) height="8" rx="2" {}
            rect .span x=(at(p50_us)) y="3" width=(width) height="8" {}
            rect .p50 x=(at(p50_us)) y="2" width="2" height="10" {}
            rect .p95 x=(at(p95_us)) y="2" width="2" height="10" {}
            rect .end x=(GAUGE_WIDTH) y="0" width="2" height="14" {}
        }
    }
}

/// Returns one stage of a request as a bar on the whole request.
pub(crate) fn bar(start: u64, length: u64, whole: u64) -> Markup {
    let whole = whole.max(1);
    html! {
        svg .bar viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" {
            rect .track x="0" y="0" width="100" height="6" {}
            @if length > 0 {
                rect .stage x=(format!("{:.2}", ratio(start.min(whole), whole) * 100.0)) y="0" height="6"
                    width=(format!("{:.2}", (ratio(length.min(whole), whole) * 100.0).max(0.5))) {}
            }
        }
    }
}
