// Decodes UTF-8: QuickJS has no TextDecoder.

const CHUNK = 8192;

/** Converts bytes to text; throws if they are not UTF-8. */
export function decode(bytes) {
  let text = '';
  for (let at = 0; at < bytes.length; at += CHUNK) {
    text += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  }
  // One character for each byte; non-ASCII characters are decoded together.
  return decodeURIComponent(text.replace(/[%\x80-\xff]/g, (c) => `%${c.charCodeAt(0).toString(16)}`));
}
