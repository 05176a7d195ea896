//! Tests of templates: which texts fit, and that no value is invented.

use proptest::prelude::*;

use super::*;

fn values(body: &str, text: &str) -> Option<Vec<String>> {
    let values = Pattern::of(body).values_in(text)?;
    Some(values.into_iter().map(|(key, value)| format!("{key}={value}")).collect())
}

#[test]
fn a_text_fits_in_one_way_or_not_at_all() {
    let table: [(&str, &str, Option<&[&str]>); 18] = [
        ("We are closed.", "We are closed.", Some(&[])),
        ("We are closed.", " We are closed.\n", Some(&[])),
        ("We are closed.", "We are closed", None),
        ("Hello {{1}}!", "Hello Mora Lind!", Some(&["1=Mora Lind"])),
        ("Hello {{ name }}!", "Hello Mora!", Some(&["name=Mora"])),
        ("Hello {{1}}!", "Hello !", None),
        ("Hello {{1}}!", "Hello Mora! Bye", None),
        ("Hello {{1}}\r\nYour {{2}}", "Hello Mora\nYour parcel", Some(&["1=Mora", "2=parcel"])),
        ("Hello {{1}}!", "Hello Mora\nLind!", None),
        ("{{1}} and {{2}}", "a and b", Some(&["1=a", "2=b"])),
        ("{{1}} and {{2}}", "a and b and c", None),
        ("{{1}}{{2}}", "ab", Some(&["1=a", "2=b"])),
        ("{{1}}{{2}}", "abc", None),
        ("{{1}}, again {{1}}", "Mora, again Mora", Some(&["1=Mora"])),
        ("{{1}}, again {{1}}", "Mora, again Lee", None),
        ("{{1}} {{1}}", "a b a b", Some(&["1=a b"])),
        ("{{}} and {{{1}}}", "{{}} and {x}", Some(&["1=x"])),
        ("Grüße, {{1}} 👋", "Grüße, Zoë 👋", Some(&["1=Zoë"])),
    ];
    for (body, text, want) in table {
        let want = want.map(|all| all.iter().map(|&one| one.to_owned()).collect());
        assert_eq!(values(body, text), want, "{body:?} {text:?}");
    }
}

#[test]
fn a_text_that_fits_two_templates_belongs_to_neither() {
    let templates = [("a", "Hello {{1}}!"), ("b", "Hello {{1}}"), ("c", "Bye {{1}}")];
    assert_eq!(find(templates, "Hello Mora"), Some(("b", vec![("1".to_owned(), "Mora".to_owned())])));
    assert_eq!(find(templates, "Hello Mora!"), None);
    assert_eq!(find(templates, "Good day"), None);
}

#[test]
fn a_hostile_text_takes_no_exponential_time() {
    let body = "{{1}}a{{2}}a{{3}}a{{4}}a{{5}}a{{6}}a{{7}}a{{8}}b";
    assert_eq!(values(body, &"a".repeat(2_000)), None);
    let repeated = "{{1}}a{{1}}a{{1}}a{{1}}a{{1}}b";
    assert_eq!(values(repeated, &"a".repeat(2_000)), None);
    assert_eq!(values("{{1}}", &"a".repeat(TEXT_BYTES_MAX + 1)), None);
}

proptest! {
    #[test]
    fn values_that_are_found_give_the_text_back(
        body in "[ab ]{0,3}(\\{\\{[12]\\}\\}[ab ]{0,2}){0,3}",
        text in "[ab ]{0,12}",
    ) {
        let pattern = Pattern::of(&body);
        if let Some(values) = pattern.values_in(&text) {
            prop_assert_eq!(pattern.filled(&values), normal(&text));
            prop_assert_eq!(values.len(), pattern.keys().len());
        }
    }

    #[test]
    fn a_filled_template_is_found_unless_it_is_ambiguous(
        literals in prop::collection::vec("[a-z]{1,4}", 3),
        values in prop::collection::vec("[A-Z0-9]{1,6}( [A-Z0-9]{1,6})?", 2),
    ) {
        // The values have no letter of the literals, so there is one way.
        let body = format!("{}{{{{1}}}}{}{{{{2}}}}{}", literals[0], literals[1], literals[2]);
        let text = format!("{}{}{}{}{}", literals[0], values[0], literals[1], values[1], literals[2]);
        let expected = vec![("1".to_owned(), values[0].clone()), ("2".to_owned(), values[1].clone())];
        prop_assert_eq!(Pattern::of(&body).values_in(&text), Some(expected));
    }

    #[test]
    fn all_ways_are_counted(body in "(\\{\\{[1-3]\\}\\}[ab]{0,2}){1,3}", text in "[ab]{0,7}") {
        let pattern = Pattern::of(&body);
        let ways = every_way(&pattern, &text);
        let want = (ways.len() == 1).then(|| ways[0].clone());
        prop_assert_eq!(pattern.values_in(&text), want);
    }
}

/// Tries every assignment, as the definition says.
fn every_way(pattern: &Pattern, text: &str) -> Vec<Values> {
    let keys = pattern.keys();
    let mut pieces: Vec<&str> = (0..text.len())
        .flat_map(|from| (from + 1..=text.len()).map(move |to| (from, to)))
        .map(|(from, to)| &text[from..to])
        .collect();
    pieces.sort_unstable();
    pieces.dedup();
    let mut all: Vec<Values> = vec![Vec::new()];
    for key in keys {
        all = all
            .into_iter()
            .flat_map(|known| pieces.iter().map(move |piece| (known.clone(), *piece)))
            .map(|(mut known, piece)| {
                known.push((key.to_owned(), piece.to_owned()));
                known
            })
            .filter(|values| values.iter().map(|(_, value)| value.len()).sum::<usize>() <= text.len())
            .collect();
    }
    all.retain(|values| pattern.filled(values) == text);
    all
}
