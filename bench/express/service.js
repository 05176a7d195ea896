// The bench's callback the way a Node service answers it: Express, its body parsers, Twilio's own check
// of the signature. It says where it listens, and ends with its parent's signal.
'use strict';

const express = require('express');
const twilio = require('twilio');

const FIRST = ['Ada', 'Boris', 'Chen', 'Dora', 'Emil', 'Farah', 'Gus', 'Hana', 'Ivo', 'Jun'];
const LAST = ['Adler', 'Brown', 'Costa', 'Diaz', 'Evans', 'Fischer', 'Garcia', 'Haas', 'Ito', 'Jansen'];

function customer(number) {
  const phone = `+1202555${String(number).padStart(4, '0')}`;
  return {
    customer_id: String(number),
    display_name: `${FIRST[number % 10]} ${LAST[Math.floor(number / 10) % 10]}`,
    channels: [
      { type: 'whatsapp', value: `whatsapp:${phone}` },
      { type: 'sms', value: phone },
    ],
  };
}

function customers(worker, pageSize) {
  const count = worker === 'nobody@example.org' ? 0 : pageSize;
  return Array.from({ length: count }, (_, number) => customer(number));
}

const app = express();
app.use(express.json());
app.use(express.urlencoded({ extended: true }));
// What the platform calls is the public URL, which is https.
app.use(twilio.webhook(process.env.TWILIO_AUTH_TOKEN, { protocol: 'https' }));

app.post('/callbacks/crm', (req, res) => {
  if (req.body.Location !== 'GetCustomersList') {
    return res.sendStatus(422);
  }
  const page = customers(req.body.Worker, Number(req.body.PageSize));
  const rows = page.map(({ customer_id, display_name }) => ({ customer_id, display_name }));
  return res.send({ objects: { customers: rows, searchable: true } });
});

const server = app.listen(0, '127.0.0.1', () => {
  console.error(`serving 127.0.0.1:${server.address().port}`);
});
