//! Message templates from a file, filled in for customer and worker, in the customer's language.
//!
//! Every call looks at the file, so a change of it shows at once; an instance that lives for several calls
//! reads it once.

mod category;
mod file;
mod languages;
mod people;
mod settings;
mod text;

use frontgate_sdk::{Category, Customer, Error, Result, TemplateRequest, Templates, directory, warn};

use crate::category::Categories;
use crate::people::People;

/// The plugin.
pub struct TemplateFile;

frontgate_sdk::export!(TemplateFile: templates);

impl Templates for TemplateFile {
    fn list_templates(request: TemplateRequest) -> Result<Vec<Category>> {
        let categories = Categories::load()?;
        let settings = &categories.settings;
        // Asked even where no text needs the customer: it may be one that this worker may not see.
        let customer = match &request.customer_id {
            Some(id) => answered(directory::get_customer(&request.worker, id))?,
            None => None,
        };
        let people = People::new(customer, &request.worker, settings.worker(&request.worker));
        let language = people.customers_number().and_then(|number| settings.language_of(number));
        Ok(categories.show(&people, language))
    }
}

/// While the CRM does not answer, there are still the templates that need no customer.
fn answered(answer: Result<Customer>) -> Result<Option<Customer>> {
    match answer {
        Ok(customer) => Ok(Some(customer)),
        Err(Error::Unavailable(_)) => {
            warn!("the CRM does not answer: templates that need the customer are left out");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use frontgate_sdk::testing;

    use super::*;

    #[test]
    fn a_crm_that_does_not_answer_is_gone_on_without_and_any_other_error_is_passed_on() {
        let forbidden = || Error::Forbidden("no".to_owned());
        let table = [
            (Error::unavailable("down"), Ok(None), 1),
            (Error::failed("broken"), Err(Error::failed("broken")), 0),
            (forbidden(), Err(forbidden()), 0),
            (Error::NotFound, Err(Error::NotFound), 0),
        ];
        for (error, want, warnings) in table {
            assert_eq!(answered(Err(error)), want);
            assert_eq!(testing::logged().len(), warnings, "{want:?}");
        }
    }
}
