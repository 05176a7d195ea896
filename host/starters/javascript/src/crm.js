// Role `crm`: customers, as the Frontline app shows them, and who is behind an address.

import { byAddress, find, visibleTo } from './customers.js';

export const crm = {
  listCustomers({ worker, pageSize, position, query }) {
    const wanted = (query ?? '').toLowerCase();
    const found = visibleTo(worker).filter(({ displayName }) => displayName.toLowerCase().includes(wanted));
    // A token is the id of the last customer before it, so both go on in the same way. An id that is not in the list
    // gives an empty page: the first one again would be a list without end.
    let start = 0;
    if (position.tag !== 'first') {
      const last = found.findIndex(({ customerId }) => customerId === position.val);
      start = last < 0 ? found.length : last + 1;
    }
    const page = found.slice(start, start + pageSize);
    const more = start + page.length < found.length;
    return {
      customers: page.map(({ customerId, displayName }) => ({ customerId, displayName })),
      nextPageToken: more ? page[page.length - 1].customerId : null,
    };
  },

  getCustomer(worker, customerId) {
    const customer = find(worker, customerId);
    // Errors of the contract are thrown as values. Anything else that is thrown ends the call, and goes to the log.
    if (!customer) throw { tag: 'not-found' };
    return customer;
  },

  findCustomer(address) {
    return byAddress(address);
  },
};
