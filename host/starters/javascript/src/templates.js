// Role `templates`: texts that a worker can send, with everything filled in.

import { find } from './customers.js';

export const templates = {
  listTemplates({ worker, customerId }) {
    let name = 'there';
    if (customerId) {
      // Where another plugin is the CRM, "frontgate:plugin/directory@0.1.0" asks it.
      const customer = find(worker, customerId);
      if (!customer) throw { tag: 'not-found' };
      name = customer.displayName;
    }
    return [
      {
        displayName: 'Greetings',
        templates: [
          // WhatsApp lets a business begin with approved texts only.
          { content: `Hello ${name}, how can we help you today?`, whatsappApproved: true },
          { content: `Good to hear from you, ${name}!`, whatsappApproved: false },
        ],
      },
      {
        displayName: 'Appointments',
        templates: [{ content: 'Your appointment is confirmed.', whatsappApproved: true }],
      },
    ];
  },
};
