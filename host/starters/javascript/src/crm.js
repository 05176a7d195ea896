// Role `crm`: customers, as the Frontline app shows them, and their addresses.

import { byAddress, find, visibleTo } from './customers.js';

export const crm = {
  listCustomers({ worker, pageSize, position, query }) {
    const wanted = (query ?? '').toLowerCase();
    const found = visibleTo(worker).filter(({ displayName }) => displayName.toLowerCase().includes(wanted));
    // A token is the id of the last customer on the previous page, so `after` and `token` work alike. An unknown id
    // gives an empty page: returning the first page again would make the list endless.
    let start = 0;
    if (position.tag !== 'first') {
      const last = found.findIndex(({ customerId }) => customerId === position.val);
      start = last < 0 ? found.length : last + 1;
    }
    const page = found.slice(start, start + pageSize);
    const more = start + page.length < found.length;
    return {
      customers: page.map(({ customerId, displayName }) => ({ customerId, displayName })),
      nextPageToken: more ? page.at(-1).customerId : null,
    };
  },

  getCustomer(worker, customerId) {
    const customer = find(worker, customerId);
    // Throw errors of the contract as values. Any other exception ends the call, and is logged.
    if (!customer) throw { tag: 'not-found' };
    return customer;
  },

  findCustomer(address) {
    return byAddress(address);
  },
};
