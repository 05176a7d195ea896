//! Message templates from a file, rendered for customer and worker in the customer's language.
//!
//! Every call checks the file, so that changes take effect at once. A reused instance reads it once.

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
        // Read the customer in any case, to check that this worker may see the customer.
        let customer = match &request.customer_id {
            Some(id) => unless_unavailable(directory::get_customer(&request.worker, id))?,
            None => None,
        };
        let people = People::new(customer, &request.worker, settings.worker(&request.worker));
        let language = people.customers_number().and_then(|number| settings.language_of(number));
        Ok(categories.show(&people, language))
    }
}

/// Continues without a customer while the CRM is unavailable: templates that need no customer still work.
fn unless_unavailable(answer: Result<Customer>) -> Result<Option<Customer>> {
    match answer {
        Ok(customer) => Ok(Some(customer)),
        Err(Error::Unavailable(_)) => {
            warn!("the CRM is unavailable: omitting templates that need the customer");
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
    fn only_an_unavailable_crm_is_skipped() {
        let forbidden = || Error::Forbidden("no".to_owned());
        let table = [
            (Error::unavailable("down"), Ok(None), 1),
            (Error::failed("broken"), Err(Error::failed("broken")), 0),
            (forbidden(), Err(forbidden()), 0),
            (Error::NotFound, Err(Error::NotFound), 0),
        ];
        for (error, want, warnings) in table {
            assert_eq!(unless_unavailable(Err(error)), want);
            assert_eq!(testing::logged().len(), warnings, "{want:?}");
        }
    }
}
