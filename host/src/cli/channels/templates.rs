//! `frontgate channels templates`: the stored templates of a channel.

use frontgate_delivery::store::queue_admin::ChannelTemplate;

use super::super::format::{escaped, plain, table};
use super::super::say;

/// Prints the templates of a channel.
pub(super) fn list(templates: &[ChannelTemplate], json: bool) -> anyhow::Result<()> {
    if json {
        say!("{}", escaped(&templates)?);
        return Ok(());
    }
    if templates.is_empty() {
        say!("no templates");
        return Ok(());
    }
    let mut table = table(&["ID", "NAME", "LANGUAGE", "APPROVAL", "IN FRONT"], &[]);
    for template in templates {
        let or_dash = |text: &str| if text.is_empty() { "-".to_owned() } else { plain(text) };
        table.add_row([
            plain(&template.id),
            or_dash(&template.name),
            or_dash(&template.language),
            template.approval.unwrap_or("-").to_owned(),
            template.in_front.name().to_owned(),
        ]);
    }
    table.lines().for_each(|line| say!("{}", line.trim_end()));
    Ok(())
}
