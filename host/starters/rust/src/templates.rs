//! Role `templates`: texts that a worker can send, with everything filled in.

use frontgate_sdk::{Category, Error, Result, Template, TemplateRequest, Templates};

use crate::{Plugin, customers};

impl Templates for Plugin {
    fn list_templates(request: TemplateRequest) -> Result<Vec<Category>> {
        // Where another plugin is the CRM, `frontgate_sdk::directory` asks it.
        let name = match &request.customer_id {
            Some(id) => customers::find(&request.worker, id).ok_or(Error::NotFound)?.display_name,
            None => "there".to_owned(),
        };
        let greetings = [
            // WhatsApp lets a business begin with approved texts only.
            Template::new(format!("Hello {name}, how can we help you today?")).whatsapp_approved(),
            Template::new(format!("Good to hear from you, {name}!")),
        ];
        let appointments = [Template::new("Your appointment is confirmed.").whatsapp_approved()];
        Ok(vec![Category::new("Greetings", greetings), Category::new("Appointments", appointments)])
    }
}
