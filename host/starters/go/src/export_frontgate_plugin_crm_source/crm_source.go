// Package export_frontgate_plugin_crm_source is the role `crm-source`: reports the customers of a CRM for the gateway's
// index.
package export_frontgate_plugin_crm_source

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	. "go.bytecodealliance.org/pkg/wit/types"
	. "wit_component/frontgate_plugin_crm_source"
	http_client "wit_component/frontgate_plugin_http_client"
	types "wit_component/frontgate_plugin_plugin_types"
	settings "wit_component/frontgate_plugin_settings"
)

// page is the CRM's answer: customers in the order of their ids, and the CRM's time.
type page struct {
	Now       uint64  `json:"now"`
	Customers []entry `json:"customers"`
}

type entry struct {
	Id        string  `json:"id"`
	Name      string  `json:"name"`
	Phone     *string `json:"phone"`
	Email     *string `json:"email"`
	Company   *string `json:"company"`
	Owner     *string `json:"owner"`
	UpdatedAt uint64  `json:"updated_at"`
}

// cursor is the place in a run, stored as `1:SINCE:STARTED:AFTER`. The first number is the version of this format.
type cursor struct {
	// The run reads what changed at this time or later. 0: everything.
	since uint64
	// The CRM's time at the beginning of the run, where the next run starts. 0: the run has not begun.
	started uint64
	// The id of the last customer that was read.
	after string
}

func Facts() Result[SourceFacts, Error] {
	// This CRM does not report removed customers: the gateway finds them when it enumerates all customers.
	return Ok[SourceFacts, Error](SourceFacts{
		IsIncremental:     true,
		ReportsVisibility: true,
		BatchSize:         100,
		RequestsPerCall:   1,
	})
}

func Changes(since Option[[]uint8], limit uint32) Result[ChangeAnswer, Error] {
	at := cursor{}
	if since.IsSome() {
		known := false
		if at, known = readCursor(string(since.Some())); !known {
			return Ok[ChangeAnswer, Error](MakeChangeAnswerCursorExpired())
		}
	}
	query := fmt.Sprintf("updated_since=%d&after_id=%s&limit=%d", at.since, escape(at.after), limit)
	got := get(query)
	if got.IsErr() {
		return Err[ChangeAnswer](got.Err())
	}
	if got.Ok().Status == 429 {
		return Ok[ChangeAnswer, Error](MakeChangeAnswerBusy(waitMs(got.Ok())))
	}
	read := readPage(got.Ok())
	if read.IsErr() {
		return Err[ChangeAnswer](read.Err())
	}
	entries := read.Ok().Customers
	started := at.started
	if started == 0 {
		started = read.Ok().Now
	}
	hasMore := len(entries) >= int(limit)
	// A run that has ended is followed by one that reads what changed since it began.
	next := fmt.Sprintf("1:%d:0:", started)
	if hasMore {
		next = fmt.Sprintf("1:%d:%d:%s", at.since, started, entries[len(entries)-1].Id)
	}
	return Ok[ChangeAnswer, Error](MakeChangeAnswerBatch(Batch{
		Upserts: customersOf(entries),
		Teams:   None[[]Team](),
		Next:    []uint8(next),
		HasMore: hasMore,
		Total:   None[uint64](),
	}))
}

func Fetch(ids []string) Result[[]SourceCustomer, Error] {
	escaped := make([]string, len(ids))
	for i, id := range ids {
		escaped[i] = escape(id)
	}
	got := get("ids=" + strings.Join(escaped, ","))
	if got.IsErr() {
		return Err[[]SourceCustomer](got.Err())
	}
	read := readPage(got.Ok())
	if read.IsErr() {
		return Err[[]SourceCustomer](read.Err())
	}
	return Ok[[]SourceCustomer, Error](customersOf(read.Ok().Customers))
}

func Notified(_ Notification) Result[NotificationAnswer, Error] {
	// This CRM has no webhooks. One that has them: verify the signature before anything else.
	return Ok[NotificationAnswer, Error](NotificationAnswer{Status: 404, News: MakeNewsNone()})
}

func readCursor(text string) (cursor, bool) {
	parts := strings.SplitN(text, ":", 4)
	if len(parts) != 4 || parts[0] != "1" {
		return cursor{}, false
	}
	since, err := strconv.ParseUint(parts[1], 10, 64)
	started, other := strconv.ParseUint(parts[2], 10, 64)
	return cursor{since, started, parts[3]}, err == nil && other == nil
}

func customersOf(entries []entry) []SourceCustomer {
	all := make([]SourceCustomer, len(entries))
	for i, entry := range entries {
		customer := Customer{
			CustomerId:  entry.Id,
			DisplayName: entry.Name,
			Avatar:      None[string](),
			Details:     None[types.Details](),
			Worker:      option(entry.Owner),
		}
		if entry.Phone != nil {
			customer.Channels = []types.ContactChannel{{Kind: "sms", Value: *entry.Phone}}
		}
		// A worker sees their own customers and those without an owner.
		seenBy := MakeVisibilityEveryone()
		if entry.Owner != nil {
			seenBy = MakeVisibilityOnly([]Audience{MakeAudienceWorker(*entry.Owner)})
		}
		all[i] = SourceCustomer{
			Customer:   customer,
			SeenBy:     seenBy,
			Company:    option(entry.Company),
			Version:    Some(entry.UpdatedAt),
			IsComplete: true,
		}
		if entry.Email != nil {
			all[i].Emails = []string{*entry.Email}
		}
	}
	return all
}

func option(text *string) Option[string] {
	if text == nil {
		return None[string]()
	}
	return Some(*text)
}

// escape escapes a value of a query. The space becomes %20, also if the CRM does not know `+`.
func escape(text string) string {
	return strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
}

// get requests customers.
func get(query string) Result[http_client.OutboundResponse, Error] {
	// The operator's setting `crm`: [plugin.config] in plugin.toml, [plugins.named.NAME.config] in the gateway's
	// configuration.
	crm := settings.Get("crm")
	if crm.IsNone() {
		return Err[http_client.OutboundResponse](types.MakeErrorFailed("the setting `crm` is missing"))
	}
	sent := http_client.Send(http_client.OutboundRequest{Method: "GET", Url: crm.Some() + "/customers?" + query})
	if sent.IsOk() {
		return Ok[http_client.OutboundResponse, Error](sent.Ok())
	}
	if cause := sent.Err(); cause.Tag() == http_client.HttpError_Forbidden {
		return Err[http_client.OutboundResponse](types.MakeErrorFailed(cause.Forbidden()))
	}
	return Err[http_client.OutboundResponse](types.MakeErrorUnavailable("no answer from the CRM"))
}

func readPage(response http_client.OutboundResponse) Result[page, Error] {
	words := fmt.Sprintf("the CRM answered %d", response.Status)
	switch {
	case response.Status == 429 || response.Status >= 500:
		return Err[page](types.MakeErrorUnavailable(words))
	case response.Status < 200 || response.Status >= 300:
		return Err[page](types.MakeErrorFailed(words))
	}
	var read page
	if err := json.Unmarshal(response.Body, &read); err != nil {
		return Err[page](types.MakeErrorFailed("the CRM's answer is not what it should be"))
	}
	return Ok[page, Error](read)
}

// waitMs returns the time in `Retry-After`, or a second.
func waitMs(response http_client.OutboundResponse) uint32 {
	for _, header := range response.Headers {
		if !strings.EqualFold(header.Name, "retry-after") {
			continue
		}
		if seconds, err := strconv.ParseUint(header.Value, 10, 20); err == nil {
			return uint32(seconds) * 1000
		}
	}
	return 1000
}
