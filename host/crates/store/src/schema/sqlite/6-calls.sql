-- The events of one call, handled or not.
CREATE INDEX deliveries_of_calls ON deliveries (tenant, conversation, id) WHERE kind = 'call';
