// The CRM's API: requests, and the meaning of responses.

import { send } from 'frontgate:plugin/http-client@0.1.0';
import { get } from 'frontgate:plugin/settings@0.1.0';
import { contactOf, maybeText, readable } from './contact.js';
import { decode } from './utf8.js';

// The CRM's maximum page size.
export const LIMIT_MAX = 50;
// The maximum length of a search text, in characters.
export const QUERY_MAX = 200;
// The timeout of one request. The app waits about five seconds for all of them.
const PATIENCE_MS = 2000;

/** Reads a page of contacts. */
export function readContacts(query) {
  const page = read(`/contacts?${query}`);
  if (page === null) throw failed('the CRM returned 404');
  readable(Array.isArray(page?.contacts));
  return { contacts: page.contacts.map(contactOf), nextCursor: maybeText(page.next_cursor) };
}

/** Returns the contact with this id. */
export function readContact(id) {
  const contact = read(`/contacts/${id}`);
  if (contact === null) throw { tag: 'not-found' };
  return contactOf(contact);
}

/** Escapes a query value. */
export function escape(value) {
  return encodeURIComponent(value).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

// Reads a path; null for status 404.
function read(path) {
  const crm = get('crm');
  if (crm === null) throw failed("the setting `crm` is missing: the CRM's address");
  const answer = ask(crm.replace(/\/+$/, '') + path);
  if (answer.status === 404) return null;
  if (answer.status !== 200) throw refused(answer);
  const value = parse(answer.body);
  readable(typeof value === 'object' && value !== null);
  return value;
}

function parse(bytes) {
  try {
    return JSON.parse(decode(bytes));
  } catch {
    return undefined;
  }
}

function ask(url) {
  const headers = [{ name: 'accept', value: 'application/json' }];
  try {
    return send({ method: 'GET', url, headers, body: new Uint8Array(), timeoutMs: PATIENCE_MS });
  } catch (error) {
    throw unanswered(error.payload);
  }
}

// Distinguishes retryable errors, for the gateway and its operator.
function refused({ status, headers }) {
  switch (status) {
    case 400:
      return invalid('the CRM rejected the request (400)');
    case 401:
    case 403:
      return failed(`the CRM rejected the token (${status})`);
    case 429: {
      const time = headers.find(({ name }) => name.toLowerCase() === 'retry-after')?.value;
      return unavailable('too many requests to the CRM' + (time === undefined ? '' : ` (retry-after: ${time})`));
    }
    default:
      return (status >= 500 ? unavailable : failed)(`the CRM returned ${status}`);
  }
}

function unanswered({ tag, val }) {
  switch (tag) {
    case 'timeout':
      return unavailable('the request to the CRM timed out');
    case 'not-connected':
      return unavailable(`failed to reach the CRM: ${val}`);
    case 'interrupted':
      return unavailable(`the CRM's response was interrupted: ${val}`);
    case 'forbidden':
      return failed(val);
    default:
      return failed("the CRM's response is too large");
  }
}

export function invalid(val) {
  return { tag: 'invalid', val };
}

function unavailable(val) {
  return { tag: 'unavailable', val };
}

function failed(val) {
  return { tag: 'failed', val };
}
