/* SPDX-License-Identifier: Apache-2.0 */
/* iCalendar: each event, task and journal entry is a heading and what is known of it. Its
 * properties come in any order, so they are kept until it ends. Alarms and the rules of time
 * zones say nothing to a person; a time is given as the calendar has it, with its zone's name. */
#include "core/parse/readers/calendar.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "core/auto.h"
#include "core/parse/readers/calendar_time.h"
#include "core/parse/readers/content_line.h"

#define PROPERTY_MAX ((size_t)1 << 20) /* bytes of one property, all its values */

enum property {
	SUMMARY,
	START,
	START_ZONE,
	END,
	DURATION,
	DUE,
	RULE,
	LOCATION,
	ORGANIZER,
	ATTENDEES,
	CATEGORIES,
	STATUS,
	URL,
	DESCRIPTION,
	PROPERTY_COUNT
};

struct calendar {
	struct flow *flow;
	struct buf item[PROPERTY_COUNT]; /* of the event that is open */
	const char *kind; /* what to call it without a summary; NULL: none is open */
	unsigned inside; /* components within it, or that are no events */
	struct buf name; /* of the calendar */
	struct buf first; /* summary of the first item */
	unsigned count; /* of items */
};

static void calendar_init(struct calendar *calendar, struct flow *flow)
{
	*calendar = (struct calendar){.flow = flow};
	for (size_t i = 0; i < PROPERTY_COUNT; i++)
		buf_init(&calendar->item[i], PROPERTY_MAX);
	buf_init(&calendar->name, 4096);
	buf_init(&calendar->first, 4096);
}

static void calendar_release(struct calendar *calendar)
{
	for (size_t i = 0; i < PROPERTY_COUNT; i++)
		buf_release(&calendar->item[i]);
	buf_release(&calendar->name);
	buf_release(&calendar->first);
}

static const char *text(const struct calendar *calendar, enum property property)
{
	return calendar->item[property].len ? calendar->item[property].data : "";
}

/* "2025-03-04 09:30 – 11:00 (Europe/Berlin)" */
static void write_when(const struct calendar *calendar, struct buf *out)
{
	struct calendar_time start, end;
	struct buf length;

	if (!calendar_time_read(text(calendar, START), &start))
		return;
	calendar_time_write(&start, true, out);
	if (calendar_time_read(text(calendar, END), &end)) {
		if (!end.has_time)
			calendar_time_step_back(&end);
		bool is_same = calendar_time_same_day(&start, &end);
		if (end.has_time || !is_same) {
			buf_adds(out, " – ");
			calendar_time_write(&end, !is_same, out);
		}
	}
	if (start.is_utc)
		buf_adds(out, " UTC");
	else if (start.has_time && calendar->item[START_ZONE].len)
		buf_addf(out, " (%s)", text(calendar, START_ZONE));
	buf_init(&length, 256);
	if (calendar_duration_write(text(calendar, DURATION), &length))
		buf_addf(out, ", %s", length.data);
	buf_release(&length);
}

static void write_due(const struct calendar *calendar)
{
	AUTO_BUF struct buf due;
	struct calendar_time time;

	buf_init(&due, 256);
	if (calendar_time_read(text(calendar, DUE), &time))
		calendar_time_write(&time, true, &due);
	flow_labelled(calendar->flow, "Due", due.data);
}

static void write_times(const struct calendar *calendar)
{
	AUTO_BUF struct buf when, rule;

	buf_init(&when, 4096);
	buf_init(&rule, 4096);
	write_when(calendar, &when);
	flow_labelled(calendar->flow, "When", when.data);
	write_due(calendar);
	calendar_rule_write(text(calendar, RULE), &rule);
	flow_labelled(calendar->flow, "Repeats", rule.data);
}

static void end_item(struct calendar *calendar)
{
	static const struct {
		enum property property;
		const char *label;
	} labelled[] = {{LOCATION, "Where"}, {ORGANIZER, "Organizer"}, {ATTENDEES, "Attendees"},
		{CATEGORIES, "Categories"}, {STATUS, "Status"}, {URL, "Link"}};
	struct flow *flow = calendar->flow;
	const char *summary =
		calendar->item[SUMMARY].len ? text(calendar, SUMMARY) : calendar->kind;

	flow_heading(flow, 1);
	flow_words(flow, summary, strlen(summary));
	flow_heading_end(flow);
	write_times(calendar);
	for (size_t i = 0; i < ARRAY_LEN(labelled); i++)
		flow_labelled(flow, labelled[i].label, text(calendar, labelled[i].property));
	flow_paragraph(flow);
	flow_preformatted(flow, text(calendar, DESCRIPTION), calendar->item[DESCRIPTION].len);
	flow_paragraph(flow);
	if (!calendar->count++)
		buf_adds(&calendar->first, text(calendar, SUMMARY));
	calendar->kind = NULL;
}

/* "Jule Brandt <jule@example.org> (accepted)" */
static void add_person(
	struct calendar *calendar, enum property property, const struct content_line *line)
{
	struct buf *to = &calendar->item[property];
	AUTO_BUF struct buf name, answer;
	const char *address = line->value;

	buf_init(&name, 4096);
	buf_init(&answer, 256);
	if (!strncasecmp(address, "mailto:", 7))
		address += 7;
	content_line_parameter(line, "CN", &name);
	content_line_parameter(line, "PARTSTAT", &answer);
	if (to->len)
		buf_adds(to, ", ");
	if (name.len && strcasecmp(name.data, address))
		buf_addf(to, "%s <%s>", name.data, address);
	else
		buf_adds(to, address);
	if (answer.len && strcasecmp(answer.data, "NEEDS-ACTION")) {
		for (char *c = answer.data; *c; c++)
			*c = (char)tolower((unsigned char)*c);
		buf_addf(to, " (%s)", answer.data);
	}
}

static void add_status(struct calendar *calendar, const char *value)
{
	if (!strcasecmp(value, "CONFIRMED"))
		return; /* as all are that say nothing */
	for (; *value; value++)
		buf_addc(&calendar->item[STATUS],
			*value == '-' ? ' ' : (char)tolower((unsigned char)*value));
}

static void take_property(struct calendar *calendar, const struct content_line *line)
{
	static const struct {
		const char *name;
		enum property property;
	} properties[] = {{"SUMMARY", SUMMARY}, {"DTSTART", START}, {"DTEND", END},
		{"DURATION", DURATION}, {"DUE", DUE}, {"RRULE", RULE}, {"LOCATION", LOCATION},
		{"ORGANIZER", ORGANIZER}, {"ATTENDEE", ATTENDEES}, {"CATEGORIES", CATEGORIES},
		{"STATUS", STATUS}, {"URL", URL}, {"DESCRIPTION", DESCRIPTION}};
	size_t i = 0;

	while (i < ARRAY_LEN(properties) && !content_line_is(line, properties[i].name))
		i++;
	if (i == ARRAY_LEN(properties))
		return;
	enum property property = properties[i].property;
	struct buf *to = &calendar->item[property];
	if (property == ORGANIZER || property == ATTENDEES) {
		add_person(calendar, property, line);
	} else if (property == STATUS && !to->len) {
		add_status(calendar, line->value);
	} else if (!to->len || property == CATEGORIES || property == DESCRIPTION) {
		if (to->len)
			buf_adds(to, property == CATEGORIES ? ", " : "\n");
		content_text(line->value, line->len, to);
	}
	if (property == START && !calendar->item[START_ZONE].len)
		content_line_parameter(line, "TZID", &calendar->item[START_ZONE]);
}

static const char *kind_of(const char *component)
{
	static const struct {
		const char *component, *kind;
	} kinds[] = {{"VEVENT", "Event"}, {"VTODO", "Task"}, {"VJOURNAL", "Journal entry"}};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (!strcasecmp(component, kinds[i].component))
			return kinds[i].kind;
	return NULL;
}

static void begin(struct calendar *calendar, const char *component)
{
	const char *kind = kind_of(component);

	if (!strcasecmp(component, "VCALENDAR"))
		return;
	if (!kind || calendar->kind || calendar->inside) {
		calendar->inside++;
		return;
	}
	calendar->kind = kind;
	for (size_t i = 0; i < PROPERTY_COUNT; i++)
		buf_clear(&calendar->item[i]);
}

static void take_line(void *context, const struct content_line *line)
{
	struct calendar *calendar = context;

	if (content_line_is(line, "BEGIN")) {
		begin(calendar, line->value);
	} else if (content_line_is(line, "END")) {
		if (calendar->inside)
			calendar->inside--;
		else if (calendar->kind)
			end_item(calendar);
	} else if (calendar->inside) {
		return;
	} else if (calendar->kind) {
		take_property(calendar, line);
	} else if (content_line_is(line, "X-WR-CALNAME") && !calendar->name.len) {
		content_text(line->value, line->len, &calendar->name);
	}
}

int calendar_flow(struct flow *flow, const char *data, size_t len)
{
	struct calendar calendar;

	calendar_init(&calendar, flow);
	int rc = content_lines_of(data, len, take_line, &calendar);
	calendar_release(&calendar);
	return rc ? rc : flow_failed(flow);
}

static void tell_title(const struct calendar *calendar, struct out *out)
{
	if (calendar->name.len)
		out_field(out, FIELD_TITLE, calendar->name.data, calendar->name.len);
	else if (calendar->count == 1 && calendar->first.len)
		out_field(out, FIELD_TITLE, calendar->first.data, calendar->first.len);
}

int calendar_read(const struct source *source, struct out *out, struct err *err)
{
	struct calendar calendar;
	struct flow flow;

	flow_init(&flow, out);
	calendar_init(&calendar, &flow);
	int rc = content_lines(source, take_line, &calendar, err);
	if (calendar.kind && !rc) /* cut: what is known of the last one */
		end_item(&calendar);
	tell_title(&calendar, out);
	calendar_release(&calendar);
	int written = flow_finish(&flow);
	return rc ? rc : written;
}
