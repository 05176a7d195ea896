//! Conformance checks of the role `templates`.

use frontgate_contract::bindings::templates::TemplateRequest;
use frontgate_runtime::CallError;
use frontgate_twilio_callbacks::templates as callback;

use super::{Checker, Problem, STRANGE_IDS, Verdict, ensure};

const CONVERSATION: &str = "CH00000000000000000000000000000000";

pub(super) async fn check(checker: &Checker<'_>) {
    checker.check("Frontline accepts the templates for a worker without a customer", no_customer).await;
    checker.check("an unknown customer does not crash the plugin", unknown).await;
    checker.check("every worker name is answered", workers).await;
}

async fn no_customer(checker: &Checker<'_>) -> Verdict {
    let (what, worker) = ("templates.list-templates without a customer", checker.worker());
    let request = TemplateRequest { worker, customer_id: None, conversation_sid: Some(CONVERSATION.to_owned()) };
    match checker.call(what, async |call| call.list_templates(request).await).await? {
        Ok(categories) => {
            let answer = callback::encode(&categories);
            ensure(answer.left_out == 0, || {
                format!(
                    "{what}: Frontline would not show {} of them: a category needs a name, a template needs a text, and \
                     all together must fit into 64 KiB",
                    answer.left_out
                )
            })
        }
        Err(CallError::NotFound) => Err(Problem::Failed(format!(
            "{what} returned `not-found`; a worker may write to an address that the CRM does not know"
        ))),
        Err(_) => Ok(()),
    }
}

async fn unknown(checker: &Checker<'_>) -> Verdict {
    for id in STRANGE_IDS {
        let what = format!("templates.list-templates for the customer {id:?}");
        let request = TemplateRequest {
            worker: checker.worker(),
            customer_id: Some(id.to_owned()),
            conversation_sid: Some(CONVERSATION.to_owned()),
        };
        // The plugin decides whether an unknown customer gets templates.
        let _ = checker.call(&what, async |call| call.list_templates(request).await).await?;
    }
    Ok(())
}

async fn workers(checker: &Checker<'_>) -> Verdict {
    for worker in ["nobody@frontgate.invalid", "", "日本 \u{1f98a}"] {
        let what = format!("templates.list-templates for the worker {worker:?}");
        let request = TemplateRequest { worker: worker.to_owned(), customer_id: None, conversation_sid: None };
        let _ = checker.call(&what, async |call| call.list_templates(request).await).await?;
    }
    Ok(())
}
