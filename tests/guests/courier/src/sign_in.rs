//! The sign-in, whose user name is an instruction: `refuse`, `crash`, `down`, `fail`, `choose`, `redirect`, `huge` or a
//! name that signs in with the password `right`.

use frontgate_sdk::channel_login::{Account, Choice, Choices, Event, Field, Form, Login, Step};
use frontgate_sdk::{ChannelLogin, Error, Result, http, settings};

use crate::Courier;

const PASSWORD: &str = "right";
const SIGNED_IN: &[u8] = b"signed in";

impl ChannelLogin for Courier {
    fn advance(login: Login, event: Event) -> Result<Step> {
        match &event {
            Event::Started => Ok(form().into()),
            Event::Submitted(_) => submitted(&login, &event),
            Event::Returned(_) => Ok(match event.field("code") {
                Some(code) => account(&format!("returned-{code}")).into(),
                None => Step::refused("The provider refused."),
            }),
            Event::Chosen(id) if login.state == SIGNED_IN => Ok(account(id).into()),
            Event::Chosen(_) => Ok(form().problem("Sign in first.").into()),
        }
    }
}

fn submitted(login: &Login, event: &Event) -> Result<Step> {
    let user = event.field("user").unwrap_or_default();
    match user {
        "refuse" => Ok(Step::refused("This account is <closed> & cannot be connected.")),
        "down" => Err(Error::unavailable("planted detail")),
        "fail" => Err(Error::failed("planted detail")),
        "crash" => panic!("instructed panic"),
        "huge" => Ok(Form::new("x".repeat(1_000), "Go").into()),
        "redirect" => {
            let url = settings::require("sign_in_url")?;
            let (back, state) = (http::segment(&login.callback_url), http::segment(&login.callback_state));
            Ok(Step::redirect(format!("{url}?return={back}&state={state}")))
        }
        _ if event.field("password") != Some(PASSWORD) => Ok(form().problem("Wrong password.").into()),
        "choose" => {
            let accounts =
                [Choice::new("one", "First <line>").detail("+15550100101"), Choice::new("two", "Second line")];
            Ok(Step::from(Choices::new("Choose a line", accounts)).state(SIGNED_IN))
        }
        name => Ok(account(name).into()),
    }
}

fn form() -> Form {
    let user = Field::text("user", "User").help("Your <name> & number");
    Form::new("Sign in to Courier", "Sign in").field(user).field(Field::password("password", "Password"))
}

fn account(name: &str) -> Account {
    Account::new(format!("credential-of-{name}"), format!("id-{name}"), format!("Line of {name}"), name)
}
