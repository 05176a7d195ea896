//! A `multipart/form-data` body that is generated while it is sent, so that no whole file is held in memory.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Body, Bytes, Frame, SizeHint};

/// One field of a form.
pub struct Part<E> {
    /// The name of the field.
    pub name: String,
    /// The name of the file, if the field is a file.
    pub filename: Option<String>,
    /// The content type of the field.
    pub content_type: Option<String>,
    /// The content.
    pub body: UnsyncBoxBody<Bytes, E>,
}

/// The request body of a form.
pub struct Form<E> {
    boundary: String,
    pieces: VecDeque<Piece<E>>,
}

enum Piece<E> {
    Bytes(Bytes),
    Body(UnsyncBoxBody<Bytes, E>),
}

impl<E> Form<E> {
    /// Creates a form with these fields, in this order.
    pub fn new(parts: impl IntoIterator<Item = Part<E>>) -> Self {
        let boundary = format!("frontgate-{}", uuid::Uuid::new_v4().simple());
        let mut pieces = VecDeque::new();
        for part in parts {
            let mut head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"", quoted(&part.name));
            if let Some(filename) = &part.filename {
                head += &format!("; filename=\"{}\"", quoted(filename));
            }
            if let Some(kind) = &part.content_type {
                head += &format!("\r\nContent-Type: {}", kind.replace(char::is_control, ""));
            }
            head += "\r\n\r\n";
            pieces.extend([Piece::Bytes(head.into()), Piece::Body(part.body), Piece::Bytes("\r\n".into())]);
        }
        pieces.push_back(Piece::Bytes(format!("--{boundary}--\r\n").into()));
        Self { boundary, pieces }
    }

    /// Returns the value of the `Content-Type` header.
    pub fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={}", self.boundary)
    }
}

/// Escapes a name for use between quotation marks, as browsers do.
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

impl<E> Body for Form<E> {
    type Data = Bytes;
    type Error = E;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, E>>> {
        while let Some(piece) = self.pieces.front_mut() {
            let frame = match piece {
                Piece::Bytes(bytes) => Some(Ok(Frame::data(std::mem::take(bytes)))),
                Piece::Body(body) => ready!(Pin::new(body).poll_frame(cx)),
            };
            let is_last = !matches!(self.pieces.front(), Some(Piece::Body(_))) || frame.is_none();
            if is_last {
                self.pieces.pop_front();
            }
            match frame {
                // A form has no trailers.
                Some(Ok(frame)) if frame.is_data() => return Poll::Ready(Some(Ok(frame))),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                _ => {}
            }
        }
        Poll::Ready(None)
    }

    fn size_hint(&self) -> SizeHint {
        let exact = self.pieces.iter().map(|piece| match piece {
            Piece::Bytes(bytes) => u64::try_from(bytes.len()).ok(),
            Piece::Body(body) => body.size_hint().exact(),
        });
        exact.sum::<Option<u64>>().map(SizeHint::with_exact).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http_body_util::{BodyExt as _, Full};

    use super::*;

    fn part(name: &str, filename: Option<&str>, bytes: &'static [u8]) -> Part<Infallible> {
        let body = Full::new(Bytes::from_static(bytes)).boxed_unsync();
        let content_type = filename.map(|_| "text/plain".to_owned());
        Part { name: name.to_owned(), filename: filename.map(str::to_owned), content_type, body }
    }

    #[tokio::test]
    async fn a_form_has_its_announced_length_and_escapes_names() {
        let form = Form::new([part("sender[handle]", None, b"+1"), part("a\"b", Some("x\r\n\"y.txt"), b"text")]);
        let (length, boundary) = (form.size_hint().exact(), form.boundary.clone());
        assert_eq!(form.content_type(), format!("multipart/form-data; boundary={boundary}"));
        let bytes = form.collect().await.expect("a body").to_bytes();
        assert_eq!(length, Some(bytes.len() as u64));
        let expected = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"sender[handle]\"\r\n\r\n+1\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"a%22b\"; filename=\"x%0D%0A%22y.txt\"\r\n\
             Content-Type: text/plain\r\n\r\ntext\r\n--{boundary}--\r\n"
        );
        assert_eq!(String::from_utf8(bytes.to_vec()).expect("text"), expected);
    }
}
