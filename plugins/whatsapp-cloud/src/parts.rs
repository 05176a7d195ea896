//! Splits a message into parts that WhatsApp accepts: texts of limited length, and one file each.

use channel_values::split;
use frontgate_sdk::channel::{Attachment, OutboundMessage, TemplateUse};
use frontgate_sdk::{Error, Result};

/// WhatsApp's limit on the length of a text. The plugin counts some characters twice, as phones do.
const TEXT_UNITS_MAX: usize = 4096;

/// WhatsApp's limit on the length of a caption, in the same units.
const CAPTION_UNITS_MAX: usize = 1024;

/// The maximum number of pieces of a text. Longer texts are not reasonable as messages.
const TEXTS_MAX: usize = 10;

const MEGABYTE: u64 = 1024 * 1024;

/// The type of a message with a file, and the media types that it accepts.
const KINDS: [(&str, u64, &[&str]); 4] = [
    ("image", 5 * MEGABYTE, &["image/jpeg", "image/png"]),
    ("audio", 16 * MEGABYTE, &["audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"]),
    ("video", 16 * MEGABYTE, &["video/mp4", "video/3gpp"]),
    (
        "document",
        100 * MEGABYTE,
        &[
            "application/msword",
            "application/pdf",
            "application/vnd.ms-excel",
            "application/vnd.ms-powerpoint",
            "application/vnd.openxmlformats-officedocument.presentationml.presentation",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            "text/plain",
        ],
    ),
];

/// A file, as WhatsApp sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Media<'m> {
    pub(crate) file: &'m Attachment,
    /// The type of the message, such as `image`.
    pub(crate) kind: &'static str,
    /// The media type without parameters, such as `image/png`.
    pub(crate) content_type: &'static str,
}

/// One message in WhatsApp.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Part<'m> {
    /// The text or the caption, possibly empty.
    pub(crate) text: &'m str,
    pub(crate) media: Option<Media<'m>>,
    /// The template that replaces the text.
    pub(crate) template: Option<&'m TemplateUse>,
}

/// Returns the parts in order. Every attempt gets the same parts, at least one.
pub(crate) fn of(message: &OutboundMessage) -> Result<Vec<Part<'_>>> {
    let media = message.attachments.iter().map(Media::of).collect::<Result<Vec<_>>>()?;
    let mut media = media.into_iter().peekable();
    let mut parts = Vec::new();
    if let Some(template) = &message.template {
        parts.push(Part { text: &message.text, media: None, template: Some(template) });
    } else {
        let texts = split(&message.text, TEXT_UNITS_MAX);
        if texts.len() > TEXTS_MAX {
            let most = TEXTS_MAX * TEXT_UNITS_MAX;
            return Err(Error::invalid(format!("The text is too long: this channel sends up to {most} characters.")));
        }
        parts.extend(texts.into_iter().map(|text| Part { text, media: None, template: None }));
        // The last text is the caption of the first file.
        if let Some(last) = parts.last_mut().filter(|last| last.text.encode_utf16().count() <= CAPTION_UNITS_MAX) {
            last.media = media.next_if(|media| media.kind != "audio");
        }
    }
    parts.extend(media.map(|media| Part { text: "", media: Some(media), template: None }));
    if parts.is_empty() {
        return Err(Error::invalid("The message is empty."));
    }
    Ok(parts)
}

impl<'m> Media<'m> {
    fn of(file: &'m Attachment) -> Result<Self> {
        let plain = file.content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        // Other names of the same types.
        let plain = match plain.as_str() {
            "image/jpg" => "image/jpeg",
            "video/3gp" => "video/3gpp",
            "audio/mp3" => "audio/mpeg",
            "audio/m4a" | "audio/x-m4a" => "audio/mp4",
            other => other,
        };
        let found = KINDS.iter().find_map(|(kind, most, types)| {
            let content_type = types.iter().find(|known| **known == plain)?;
            Some((kind, most, content_type))
        });
        let Some((kind, most, content_type)) = found else {
            let name = &file.filename;
            return Err(Error::Invalid(format!(
                "WhatsApp does not accept the file {name}: send pictures as JPEG or PNG, videos as MP4, documents as PDF, \
                 Office or text files."
            )));
        };
        if file.size.is_some_and(|size| size > *most) {
            let (name, most) = (&file.filename, most / MEGABYTE);
            return Err(Error::Invalid(format!("The file {name} is too large: WhatsApp accepts up to {most} MB.")));
        }
        Ok(Self { file, kind, content_type })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_text_is_the_caption_of_the_first_file_that_can_have_one() {
        let (short, long) = ("Hello", "word ".repeat(300));
        let table = [
            (short, "image/png", vec![(5, Some("image"))]),
            (short, "audio/mpeg", vec![(5, None), (0, Some("audio"))]),
            (long.trim(), "application/pdf", vec![(1499, None), (0, Some("document"))]),
            ("", "video/mp4", vec![(0, Some("video"))]),
        ];
        for (text, content_type, want) in table {
            let message = OutboundMessage::new("+1", text).attach(Attachment::new("fil_1", "a", content_type));
            let parts = of(&message).expect("parts");
            let found: Vec<_> =
                parts.iter().map(|part| (part.text.len(), part.media.map(|media| media.kind))).collect();
            assert_eq!(found, want, "{content_type}");
        }
    }

    #[test]
    fn a_file_that_whatsapp_does_not_accept_is_refused_by_name() {
        let large = Attachment { size: Some(6 * MEGABYTE), ..Attachment::new("fil_1", "a.png", "image/png") };
        for (file, word) in [(large, "5 MB"), (Attachment::new("fil_1", "a.zip", "application/zip"), "a.zip")] {
            let message = OutboundMessage::new("+1", "").attach(file);
            let Err(Error::Invalid(why)) = of(&message) else { panic!("it is accepted") };
            assert!(why.contains(word), "{why}");
        }
    }
}
