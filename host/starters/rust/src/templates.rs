//! Role `templates`: texts that a worker can send, without placeholders.

use frontgate_sdk::{Category, Error, Result, Template, TemplateRequest, Templates};

use crate::{Plugin, customers};

impl Templates for Plugin {
    fn list_templates(request: TemplateRequest) -> Result<Vec<Category>> {
        // If another plugin has the role `crm`, call `frontgate_sdk::directory` instead.
        let name = match &request.customer_id {
            Some(id) => customers::find(&request.worker, id).ok_or(Error::NotFound)?.display_name,
            None => "there".to_owned(),
        };
        let greetings = [
            // On WhatsApp a business can start a conversation only with approved texts.
            Template::new(format!("Hello {name}, how can we help you today?")).whatsapp_approved(),
            Template::new(format!("Good to hear from you, {name}!")),
        ];
        let appointments = [Template::new("Your appointment is confirmed.").whatsapp_approved()];
        Ok(vec![Category::new("Greetings", greetings), Category::new("Appointments", appointments)])
    }
}
