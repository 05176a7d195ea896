// Role `templates`: texts that a worker can send, without placeholders.

import { find } from './customers.js';

export const templates = {
  listTemplates({ worker, customerId }) {
    let name = 'there';
    if (customerId) {
      // If another plugin has the role `crm`, call "frontgate:plugin/directory@0.1.0" instead.
      const customer = find(worker, customerId);
      if (!customer) throw { tag: 'not-found' };
      name = customer.displayName;
    }
    return [
      {
        displayName: 'Greetings',
        templates: [
          // On WhatsApp a business can start a conversation only with approved texts.
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
