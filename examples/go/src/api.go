package export_frontgate_plugin_crm

import (
	"encoding/json/v2"
	"fmt"
	"net/url"
	"strings"

	wit "go.bytecodealliance.org/pkg/wit/types"
	http "wit_component/frontgate_plugin_http_client"
	types "wit_component/frontgate_plugin_plugin_types"
	settings "wit_component/frontgate_plugin_settings"
)

const (
	// The CRM's maximum page size.
	limitMax = 50
	// The maximum length of a search text, in characters.
	queryMax = 200
	// The timeout of one request. The app waits about five seconds for all of them.
	patienceMS = 2000
)

// A query has the owner, the search text, and the start of the page.
type query struct {
	owner            string
	q, cursor, after *string
	limit            int
}

func (asked query) String() string {
	text := "owner=" + escape(asked.owner)
	if asked.q != nil {
		text += "&q=" + escape(*asked.q)
	}
	text += fmt.Sprint("&limit=", asked.limit)
	if asked.cursor != nil {
		text += "&cursor=" + escape(*asked.cursor)
	}
	if asked.after != nil {
		text += "&after=" + escape(*asked.after)
	}
	return text
}

type contactPage struct {
	Contacts   []contact `json:"contacts"`
	NextCursor *string   `json:"next_cursor"`
}

// readContacts reads a page of contacts.
func readContacts(query string) (contactPage, error) {
	var page contactPage
	isThere, err := read("/contacts?"+query, &page)
	if err != nil {
		return page, err
	}
	if !isThere {
		return page, failed("the CRM returned 404")
	}
	if page.Contacts == nil {
		return page, unreadable()
	}
	for _, contact := range page.Contacts {
		if !contact.isWhole() {
			return page, unreadable()
		}
	}
	return page, nil
}

// readContact reads the contact with this id.
func readContact(id string) (contact, error) {
	var found contact
	isThere, err := read("/contacts/"+id, &found)
	if err != nil {
		return found, err
	}
	if !isThere {
		return found, failure{types.MakeErrorNotFound()}
	}
	if !found.isWhole() {
		return found, unreadable()
	}
	return found, nil
}

// read reads a path, and returns whether it exists.
func read(path string, value any) (bool, error) {
	crm := settings.Get("crm")
	if crm.IsNone() {
		return false, failed("the setting `crm` is missing: the CRM's address")
	}
	answer := http.Send(http.OutboundRequest{
		Method:    "GET",
		Url:       strings.TrimRight(crm.Some(), "/") + path,
		Headers:   []http.Header{{Name: "accept", Value: "application/json"}},
		TimeoutMs: wit.Some(uint32(patienceMS)),
	})
	if answer.IsErr() {
		return false, unanswered(answer.Err())
	}
	switch answer := answer.Ok(); answer.Status {
	case 200:
		if err := json.Unmarshal(answer.Body, value); err != nil {
			return false, unreadable()
		}
		return true, nil
	case 404:
		return false, nil
	default:
		return false, refused(answer)
	}
}

// refused distinguishes retryable errors, for the gateway and its operator.
func refused(answer http.OutboundResponse) error {
	switch status := answer.Status; {
	case status == 400:
		return failure{types.MakeErrorInvalid("the CRM rejected the request (400)")}
	case status == 401 || status == 403:
		return failed(fmt.Sprintf("the CRM rejected the token (%d)", status))
	case status == 429:
		words := "too many requests to the CRM"
		for _, field := range answer.Headers {
			if strings.EqualFold(field.Name, "retry-after") {
				return unavailable(fmt.Sprintf("%s (retry-after: %s)", words, field.Value))
			}
		}
		return unavailable(words)
	case status >= 500:
		return unavailable(fmt.Sprintf("the CRM returned %d", status))
	default:
		return failed(fmt.Sprintf("the CRM returned %d", status))
	}
}

func unanswered(cause http.HttpError) error {
	switch cause.Tag() {
	case http.HttpError_Timeout:
		return unavailable("the request to the CRM timed out")
	case http.HttpError_NotConnected:
		return unavailable("failed to reach the CRM: " + cause.NotConnected())
	case http.HttpError_Interrupted:
		return unavailable("the CRM's response was interrupted: " + cause.Interrupted())
	case http.HttpError_Forbidden:
		return failed(cause.Forbidden())
	default:
		return failed("the CRM's response is too large")
	}
}

func unreadable() error { return failed("failed to parse the CRM's response") }

// escape escapes a query value; a plus would be ambiguous.
func escape(value string) string {
	return strings.ReplaceAll(url.QueryEscape(value), "+", "%20")
}
