// The CRM's API: what is asked, and what its answers mean.

import { send } from 'frontgate:plugin/http-client@0.1.0';
import { get } from 'frontgate:plugin/settings@0.1.0';
import { contactOf, maybeText, readable } from './contact.js';
import { decode } from './utf8.js';

// Contacts on one of the CRM's pages.
export const LIMIT_MAX = 50;
// Characters of a search.
export const QUERY_MAX = 200;
// For one request. The app waits no longer than about five seconds for all of them.
const PATIENCE_MS = 2000;

/** A page of contacts. */
export function readContacts(query) {
  const page = read(`/contacts?${query}`);
  if (page === null) throw failed('the CRM answered 404');
  readable(Array.isArray(page?.contacts));
  return { contacts: page.contacts.map(contactOf), nextCursor: maybeText(page.next_cursor) };
}

/** The contact with an id. */
export function readContact(id) {
  const contact = read(`/contacts/${id}`);
  if (contact === null) throw { tag: 'not-found' };
  return contactOf(contact);
}

/** A value as the query of a URL can hold it. */
export function escape(value) {
  return encodeURIComponent(value).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

// What is at a place; null where the CRM says that there is nothing.
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

// Whether trying again may help, which the gateway and its operator go by.
function refused({ status, headers }) {
  switch (status) {
    case 400:
      return invalid('the CRM does not take the request (400)');
    case 401:
    case 403:
      return failed(`the CRM refuses the token (${status})`);
    case 429: {
      const time = headers.find(({ name }) => name.toLowerCase() === 'retry-after')?.value;
      return unavailable('the CRM takes no more requests' + (time === undefined ? '' : ` (retry-after: ${time})`));
    }
    default:
      return (status >= 500 ? unavailable : failed)(`the CRM answered ${status}`);
  }
}

function unanswered({ tag, val }) {
  switch (tag) {
    case 'timeout':
      return unavailable('the CRM did not answer in time');
    case 'not-connected':
      return unavailable(`the CRM cannot be reached: ${val}`);
    case 'interrupted':
      return unavailable(`the CRM's answer broke off: ${val}`);
    case 'forbidden':
      return failed(val);
    default:
      return failed("the CRM's answer is too large");
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
