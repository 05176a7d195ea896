//! A file that a person sends by the control API: the fields `filename`, `content_type` and `content` of a form.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// Content types by the ending of the file's name, for files that the platforms treat differently.
const TYPES: [(&str, &str); 12] = [
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("png", "image/png"),
    ("webp", "image/webp"),
    ("gif", "image/gif"),
    ("mp4", "video/mp4"),
    ("mp3", "audio/mpeg"),
    ("ogg", "audio/ogg"),
    ("pdf", "application/pdf"),
    ("txt", "text/plain"),
    ("csv", "text/csv"),
    ("json", "application/json"),
];

/// A file with its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Upload {
    pub(crate) filename: String,
    pub(crate) content_type: String,
    pub(crate) content: Vec<u8>,
}

impl Upload {
    /// Reads the fields of a form. The content is in base64, since a form has only texts.
    pub(crate) fn read<'f>(field: &impl Fn(&str) -> &'f str) -> Result<Option<Self>, String> {
        let (filename, content_type, content) = (field("filename"), field("content_type"), field("content"));
        if filename.is_empty() && content.is_empty() {
            return Ok(None);
        }
        let content = BASE64_STANDARD.decode(content).map_err(|error| format!("content: not base64: {error}"))?;
        let filename = if filename.is_empty() { "file" } else { filename };
        let content_type = if content_type.is_empty() { content_type_of(filename) } else { content_type };
        Ok(Some(Self { filename: filename.to_owned(), content_type: content_type.to_owned(), content }))
    }

    /// Returns the fields of a form that has the file.
    pub(crate) fn fields(filename: &str, content: &[u8]) -> [(&'static str, String); 2] {
        [("filename", filename.to_owned()), ("content", BASE64_STANDARD.encode(content))]
    }
}

/// Returns the content type by the ending of a name.
fn content_type_of(filename: &str) -> &'static str {
    let ending = filename.rsplit('.').next().unwrap_or_default().to_lowercase();
    let found = TYPES.iter().find(|(known, _)| *known == ending);
    found.map_or("application/octet-stream", |(_, content_type)| content_type)
}

#[cfg(test)]
mod tests {
    use super::Upload;

    fn read(form: &[(&str, &str)]) -> Result<Option<Upload>, String> {
        Upload::read(&|name| form.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value))
    }

    #[test]
    fn a_file_is_read_as_it_was_written() {
        let fields = Upload::fields("Photo.JPG", b"\xff\xd8");
        let form: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let file = read(&form).expect("a form").expect("a file");
        assert_eq!(
            (&*file.filename, &*file.content_type, &*file.content),
            ("Photo.JPG", "image/jpeg", &b"\xff\xd8"[..])
        );
    }

    #[test]
    fn a_form_without_a_file_has_none() {
        assert_eq!(read(&[("text", "Hello")]), Ok(None));
    }

    #[test]
    fn content_that_is_not_base64_is_refused() {
        assert!(read(&[("content", "!")]).is_err_and(|error| error.contains("not base64")));
    }
}
