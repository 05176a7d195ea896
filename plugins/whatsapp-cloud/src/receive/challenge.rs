//! Answers the request by which Meta verifies the webhook's URL.

use frontgate_sdk::channel::WebhookResult;
use percent_encoding::percent_decode_str;

/// Returns the challenge if the token is right.
pub(super) fn answer(verify_token: &str, url: &str) -> WebhookResult {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let field = |wanted: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let (_, value) = pairs.find(|(name, _)| *name == wanted)?;
        percent_decode_str(&value.replace('+', " ")).decode_utf8().ok().map(|text| text.into_owned())
    };
    let (mode, token, challenge) = (field("hub.mode"), field("hub.verify_token"), field("hub.challenge"));
    match (mode.as_deref(), token, challenge) {
        (Some("subscribe"), Some(token), Some(challenge)) if is_same(&token, verify_token) => {
            WebhookResult::status(200).body("text/plain", challenge)
        }
        _ => WebhookResult::status(403),
    }
}

/// Compares two texts in a time that depends on their lengths only.
fn is_same(one: &str, other: &str) -> bool {
    let differences = one.bytes().zip(other.bytes()).fold(0, |all, (one, other)| all | (one ^ other));
    one.len() == other.len() && std::hint::black_box(differences) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_answered_to_the_right_token_only() {
        let url =
            "https://gw.example.net/front/wa/k/provider?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=";
        let right = answer("a b+c", &format!("{url}a%20b%2Bc"));
        assert_eq!((right.response.status, right.response.body.as_slice()), (200, b"1158201444".as_slice()));
        for wrong in
            [format!("{url}a%20b"), format!("{url}a%20b%2Bd"), url.replace("subscribe", "other"), String::new()]
        {
            assert_eq!(answer("a b+c", &wrong).response.status, 403, "{wrong}");
        }
    }
}
