// QuickJS has no TextDecoder.

const CHUNK = 8192;

/** Bytes as text; throws where they are not UTF-8. */
export function decode(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += CHUNK) {
    text += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  }
  // A character for each byte; those of other than ASCII belong together.
  return decodeURIComponent(text.replace(/[%\x80-\xff]/g, (c) => `%${c.charCodeAt(0).toString(16)}`));
}
