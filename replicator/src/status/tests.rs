//! The line in windows of all widths.

use proptest::prelude::*;

use super::*;

fn state() -> State {
    State {
        fields: vec![
            Field::left("copy", 7, 0),
            Field::right("41 %", 4, 1),
            Field::right("1,234 read", 16, 3),
            Field::right("99/s", 11, 2),
        ],
        waits: "waits: target acknowledgements".to_owned(),
    }
}

#[test]
fn fields_stand_at_the_same_place_whatever_the_figures_are() {
    let mut grown = state();
    grown.fields[2] = Field::right("1,234,567 read", 16, 3);
    let ((one, _), (other, _)) = (state().within(120), grown.within(120));
    assert_eq!(one, "copy     41 %        1,234 read         99/s  ");
    assert_eq!(other, "copy     41 %    1,234,567 read         99/s  ");
}

#[test]
fn the_least_important_goes_first_and_what_it_waits_for_last() {
    let shown = |width| {
        let (fields, waits) = state().within(width);
        fields + &waits
    };
    assert_eq!(shown(65), "copy     41 %         99/s  waits: target acknowledgements");
    assert_eq!(shown(50), "copy     41 %  waits: target acknowledgements");
    assert_eq!(shown(44), "copy     waits: target acknowledgements");
    assert_eq!(shown(30), "copy     waits: target acknow…");
    assert_eq!(shown(5), "copy…");
    assert_eq!(shown(0), "");
}

proptest! {
    #[test]
    fn no_line_is_wider_than_its_window(width in 0_usize..300, waits in "\\PC{0,80}") {
        let (fields, waits) = State { waits, ..state() }.within(width);
        prop_assert!(fields.chars().count() + waits.chars().count() <= width);
    }
}

#[test]
fn what_it_waits_for_moves_no_field() {
    let other = State { waits: "a reason that is longer than there is room for in any window".to_owned(), ..state() };
    for width in 0..80 {
        assert_eq!(state().within(width).0, other.within(width).0);
    }
}

#[test]
fn a_clock_is_as_long_as_it_needs() {
    let told = [5, 65, 3_725, 360_000 * 2].map(|seconds| clock(Duration::from_secs(seconds)));
    assert_eq!(told, ["0:05", "1:05", "1:02:05", "8 days"]);
}
