//! A table that fits the terminal: texts are shortened first, addresses and IDs stay complete.

use crate::output::document::{COLUMNS, ListDocument, short_row};
use crate::output::paint::Paint;
use crate::reconcile::listing::State;
use crate::text::safe;

/// The gap between two columns.
const GAP: usize = 2;

/// Columns that are shortened if there is not enough room, and their minimum width.
const CUT: [(usize, usize); 2] = [(3, 12), (5, 8)];

/// Columns that are left out if that is not enough, in this order: kind, policy, access, last use, age of the key.
const DROPPED: [usize; 5] = [1, 5, 4, 7, 6];

/// The objects, one per line, within a width.
pub(crate) fn list(list: &ListDocument, width: usize, paint: Paint) -> String {
    let rows: Vec<[String; 9]> =
        list.objects.iter().map(|listed| short_row(listed).map(|cell| safe(&cell))).collect();
    let mut widths = COLUMNS.map(str::len);
    for row in &rows {
        for (most, cell) in widths.iter_mut().zip(row) {
            *most = (*most).max(cell.chars().count());
        }
    }
    fit(&mut widths, width);
    let header = cells(&COLUMNS.map(str::to_owned), &widths);
    let mut text = format!("{}\n", paint.faint(&header.join("")));
    for (row, listed) in rows.iter().zip(&list.objects) {
        let mut cells = cells(row, &widths);
        if let Some(last) = cells.last_mut() {
            *last = match listed.state {
                State::InSync => paint.good(last),
                State::Unmanaged | State::Quarantined => paint.faint(last),
                State::Stopped => paint.bad(last),
                State::Differs | State::ToAdopt | State::Missing | State::Rotating | State::Orphan => {
                    paint.notice(last)
                }
            };
        }
        text.push_str(&format!("{}\n", cells.join("")));
    }
    let hidden: Vec<&str> =
        COLUMNS.iter().zip(widths).filter(|(_, width)| *width == 0).map(|(name, _)| *name).collect();
    if !hidden.is_empty() {
        let hidden =
            format!("not shown for lack of room: {}; --format csv has all columns", hidden.join(", "));
        text.push_str(&format!("{}\n", paint.faint(&hidden)));
    }
    text.push_str(&format!("{}\n", list.last_line()));
    text
}

/// Shortens texts, then leaves out columns by setting their width to 0.
fn fit(widths: &mut [usize; 9], width: usize) {
    let over = |widths: &[usize; 9]| {
        let shown = widths.iter().filter(|width| **width > 0).map(|width| width + GAP);
        shown.sum::<usize>().saturating_sub(GAP).saturating_sub(width)
    };
    for (column, least) in CUT {
        let too_wide = over(widths);
        if let Some(own) = widths.get_mut(column) {
            *own = own.saturating_sub(too_wide).max(least.min(*own));
        }
    }
    for column in DROPPED {
        if over(widths) > 0
            && let Some(own) = widths.get_mut(column)
        {
            *own = 0;
        }
    }
}

/// The cells of a line, padded, with no padding after the last one.
fn cells(row: &[String; 9], widths: &[usize; 9]) -> Vec<String> {
    let shown = row.iter().zip(widths).filter(|(_, width)| **width > 0);
    let mut cells: Vec<String> = shown
        .map(|(cell, width)| {
            let cut = cell.chars().count() > *width;
            let kept: String = cell.chars().take(if cut { width - 1 } else { *width }).collect();
            let kept = if cut { format!("{kept}…") } else { kept };
            format!("{kept:<width$}{:GAP$}", "")
        })
        .collect();
    if let Some(last) = cells.last_mut() {
        *last = last.trim_end().to_owned();
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_fits_and_addresses_stay_whole() {
        for width in [80, 100, 120, 400] {
            let mut widths = [35, 11, 12, 60, 16, 40, 7, 10, 11];
            fit(&mut widths, width);
            let row = [35, 11, 12, 60, 16, 40, 7, 10, 11].map(|length| "x".repeat(length));
            let line = cells(&row, &widths).concat();
            assert!(line.chars().count() <= width, "{width}: {line}");
            assert!(line.starts_with(&"x".repeat(35)), "{width}: {line}");
        }
        let mut roomy = [35, 11, 12, 60, 16, 40, 7, 10, 11];
        fit(&mut roomy, 400);
        assert_eq!(roomy, [35, 11, 12, 60, 16, 40, 7, 10, 11]);
    }
}
