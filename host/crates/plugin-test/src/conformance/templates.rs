//! The role `templates`.

use frontgate_contract::bindings::templates::TemplateRequest;
use frontgate_runtime::CallError;
use frontgate_twilio_callbacks::templates as callback;

use super::{Problem, STRANGE_IDS, Tries, Verdict, ensure};

const CONVERSATION: &str = "CH00000000000000000000000000000000";

pub(super) async fn check(tries: &Tries<'_>) {
    tries.check("a worker without a customer gets templates that Frontline takes", nobody).await;
    tries.check("an unknown customer is no crash", unknown).await;
    tries.check("workers of any name are answered", workers).await;
}

async fn nobody(tries: &Tries<'_>) -> Verdict {
    let (what, worker) = ("templates.list-templates without a customer", tries.worker());
    let request = TemplateRequest { worker, customer_id: None, conversation_sid: Some(CONVERSATION.to_owned()) };
    match tries.ask(what, async |call| call.list_templates(request).await).await? {
        Ok(categories) => {
            let answer = callback::encode(&categories);
            ensure(answer.left_out == 0, || {
                format!(
                    "{what}: Frontline would not show {} of them: a category needs a name, a template needs a text, and \
                     all together fit into 64 KiB",
                    answer.left_out
                )
            })
        }
        Err(CallError::NotFound) => Err(Problem::Failed(format!(
            "{what} is `not-found`; the CRM knows nobody at the address, and the worker still wants to write"
        ))),
        Err(_) => Ok(()),
    }
}

async fn unknown(tries: &Tries<'_>) -> Verdict {
    for id in STRANGE_IDS {
        let what = format!("templates.list-templates for the customer {id:?}");
        let request = TemplateRequest {
            worker: tries.worker(),
            customer_id: Some(id.to_owned()),
            conversation_sid: Some(CONVERSATION.to_owned()),
        };
        // Whether an unknown customer gets templates is the plugin's to decide.
        let _ = tries.ask(&what, async |call| call.list_templates(request).await).await?;
    }
    Ok(())
}

async fn workers(tries: &Tries<'_>) -> Verdict {
    for worker in ["nobody@frontgate.invalid", "", "日本 \u{1f98a}"] {
        let what = format!("templates.list-templates for the worker {worker:?}");
        let request = TemplateRequest { worker: worker.to_owned(), customer_id: None, conversation_sid: None };
        let _ = tries.ask(&what, async |call| call.list_templates(request).await).await?;
    }
    Ok(())
}
