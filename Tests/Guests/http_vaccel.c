// The HTTP server's client of vAccel: asks an agent what an image shows.

#include "http_guest.h"
#include "vaccel.h"

int host_classify(struct http_exchange *exchange) {
    struct served *place = (struct served *)exchange;
    if (!agent_connect(place))
        return 0;
    place->has_session = 0;
    vaccel_add_session(agent_output(place));
    agent_wake(place);
    return 1;
}

static int fail(struct served *place, struct stream *output, struct vaccel_message reason) {
    static struct http_text text;
    text_clear(&text);
    text_add(&text, "the agent ");
    text_add(&text, reason.size > 0 ? "says: " : "ended too soon");
    text_add_bytes(&text, (const char *)reason.bytes, reason.size);
    text_add(&text, "\n");
    http_respond(&place->exchange, output, "502 Bad Gateway", &text);
    agent_abandon(place);
    return 1;
}

static int finish(struct served *place, struct stream *output, struct vaccel_message answer) {
    static struct http_text text;
    const char *tags;
    size_t size = vaccel_tags(answer, &tags);
    text_clear(&text);
    text_add_bytes(&text, tags, size);
    text_add(&text, "\n");
    http_respond(&place->exchange, output, "200 OK", &text);
    vaccel_add_end(agent_output(place), place->session);
    agent_finish(place);
    return 1;
}

int host_classify_more(struct http_exchange *exchange, struct stream *input, struct stream *output) {
    struct served *place = (struct served *)exchange;
    if (stream_space(output) < HTTP_LONGEST_PAGE)
        return 0;
    struct stream *answers = agent_input(place), *calls = agent_output(place);
    if (answers == NULL)
        return fail(place, output, (struct vaccel_message){0});
    struct vaccel_message answer, reason;
    size_t size = vaccel_frame_size(answers);
    if (size == 0)
        return agent_has_ended(place) ? fail(place, output, (struct vaccel_message){0}) : 0;
    // The answer to CreateSession waits until the image is there.
    int is_session = !place->has_session;
    size_t room = stream_space(calls);
    if (is_session && (stream_size(input) < exchange->left || room < exchange->left + VACCEL_AROUND))
        return 0;
    if (!vaccel_read_answer(answers, size, &answer, &reason))
        return fail(place, output, reason);
    if (!is_session)
        return finish(place, output, answer);
    place->session = vaccel_field(answer, 1, NULL);
    place->has_session = 1;
    stream_take(answers, size);
    vaccel_add_image(calls, place->session, stream_front(input), (size_t)exchange->left);
    stream_take(input, (size_t)exchange->left);
    exchange->left = 0;
    agent_wake(place);
    return 0;
}
