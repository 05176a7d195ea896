//! `Form::parse`: parses bodies of Twilio's callbacks, compared with a second parser.

use frontgate_twilio::form::Form;

use super::naive;

/// Asserts that an accepted form has exactly the pairs that a second parser finds, and is stable when encoded again.
pub fn run(input: &[u8]) {
    let Ok(form) = Form::parse(input) else { return };
    let pairs: Vec<(String, String)> = owned(&form);
    assert_eq!(Some(&pairs), naive::form(input).as_ref(), "the second parser reads another form");
    for (name, value) in &pairs {
        let first = pairs.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str());
        assert_eq!(form.get(name), first.filter(|first| !first.is_empty()), "{name}={value}");
    }
    let encoded = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
    if pairs.iter().all(|(name, _)| !name.is_empty()) {
        let again = Form::parse(encoded.as_bytes()).expect("what an encoder writes is a form");
        assert_eq!(owned(&again), pairs);
        assert_eq!(again.digest_without("Body"), form.digest_without("Body"));
    }
}

fn owned(form: &Form<'_>) -> Vec<(String, String)> {
    form.pairs().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
