// Customers from a CRM over HTTP. A worker sees the contacts that the CRM says are theirs.

import { LIMIT_MAX, QUERY_MAX, escape, invalid, readContact, readContacts } from './api.js';
import { customer, isE164, summary } from './contact.js';

// The CRM's pages are smaller than the app's. However large a page is asked for, this many of the CRM's are
// enough; the next call goes on from there.
const PAGES_MAX = 10;

export const crm = {
  listCustomers({ worker, pageSize, position, query }) {
    if (query !== null && [...query].length > QUERY_MAX) throw invalid('the CRM searches for 200 characters at most');
    const filter = `owner=${escape(worker)}` + (query === null ? '' : `&q=${escape(query)}`);
    const after = position.tag === 'after' ? `&after=${escape(position.val)}` : '';
    let cursor = position.tag === 'token' ? position.val : null;
    const customers = [];
    for (let pages = 0; pages < PAGES_MAX && customers.length < pageSize; pages++) {
      const limit = Math.min(pageSize - customers.length, LIMIT_MAX);
      const start = cursor === null ? after : `&cursor=${escape(cursor)}`;
      const page = readContacts(`${filter}&limit=${limit}${start}`);
      customers.push(...page.contacts.map(summary));
      cursor = page.nextCursor;
      if (cursor === null) break;
    }
    return { customers, nextPageToken: cursor };
  },

  getCustomer(worker, customerId) {
    // Anything else might lead to another place of the API.
    if (!/^[A-Za-z0-9-]{1,40}$/.test(customerId)) throw { tag: 'not-found' };
    const contact = readContact(customerId);
    // The CRM shows every contact to whoever has the token, so that the plugin has to look.
    if (contact.owner !== worker) throw { tag: 'not-found' };
    return customer(contact);
  },

  findCustomer(address) {
    const number = address.replace(/^whatsapp:/, '');
    if (!isE164(number)) return null;
    const [contact] = readContacts(`phone=${escape(number)}&limit=1`).contacts;
    return contact === undefined ? null : customer(contact);
  },
};
