//! End to end with `twilio-channel`: authors and answered messages between Front and Twilio.

use frontgate_tests::front::Draft;

use crate::channel_twilio::Team;
use crate::channels::LEE;

fn team() -> Team {
    Team::with(|setup| {
        setup.set("plugins.named.twilio-channel.config.teammates", "{ otto = \"alt:email:otto@acme.example\" }")
    })
}

impl Team {
    /// Returns the messages of the only conversation in Twilio: author, text, and the attribute `in_reply_to`.
    fn in_twilio(&self) -> Vec<(String, String, Option<String>)> {
        let conversations = self.twilio.conversations();
        assert_eq!(conversations.len(), 1);
        let answered = |attributes: &serde_json::Value| attributes["in_reply_to"].as_str().map(str::to_owned);
        let messages = conversations[0].messages.iter();
        messages.map(|one| (one.author.clone(), one.body.clone(), answered(&one.attributes))).collect()
    }
}

#[test]
fn a_reply_names_the_answered_message_and_its_author_in_twilio() {
    let team = team();
    let conversation = team.receive(LEE, "planted question", &[]);
    team.front.wait_for(|state| state.hooks().iter().any(|fired| fired.kind == "message_imported"));
    for author in ["otto@acme.example", "ana@acme.example"] {
        team.front.reply(&conversation, Draft::new("planted reply").author(author)).ids();
    }
    let question = team.twilio.conversations()[0].messages[0].sid.clone();
    let reply = |author: &str| (author.to_owned(), "planted reply".to_owned(), Some(question.clone()));
    assert_eq!(team.in_twilio()[1..], [reply("otto"), reply("ana@acme.example")]);
}

#[test]
fn a_workers_message_in_twilio_belongs_to_the_teammate() {
    let team = team();
    let otto = team.front.teammate("otto@acme.example");
    let conversation = team.receive(LEE, "planted question", &[]);
    let sid = team.twilio.conversations()[0].sid.clone();
    for (identity, text) in [("otto", "planted words of Otto"), ("kim", "planted words of Kim")] {
        team.twilio.agent_writes(&sid, identity, text, &[]).expect("a message");
    }
    team.front.wait_for(|state| state.conversation(&conversation).is_some_and(|found| found.messages.len() == 3));
    let found = team.front.conversation(&conversation);
    let author = |text: &str| {
        let message = found.messages.iter().find(|message| message.text == text).expect("it is there");
        message.author.as_ref().map(|author| author.id.clone())
    };
    assert_eq!([author("planted words of Otto"), author("planted words of Kim")], [Some(otto.id), None]);
}
