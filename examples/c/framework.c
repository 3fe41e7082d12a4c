/*
 * A Bourse framework in C, on libnats and msgpack-c: declines its first offer, accepts another,
 * runs `echo` there and leaves when that has ended. Finds its cluster by NATS_URL
 * (nats://user:password@host:4222), BOURSE_CLUSTER and BOURSE_PRINCIPAL.
 * All handlers run in one thread, that of libnats; the main thread waits for the end.
 */
#include <msgpack.h>
#include <nats/nats.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ID_SIZE = 65, SUBJECT_SIZE = 512, TEXT_SIZE = 1025 };
static const double CPUS = 0.1, MEM = 32;

static natsConnection *nats;
static const char *cluster;
static char me[2 * ID_SIZE]; /* our principal and our id, as they stand in subjects */
static char secret[33];      /* who knows it may take our place */

static double leader, known_to; /* epochs: of who leads, and of the leader that knows us */
static int answered;  /* offers, until now */
static char task[ID_SIZE], agent[ID_SIZE], state[ID_SIZE]; /* of our task; "": none */
static double task_at[2]; /* the incarnation and count of its newest status */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ended = PTHREAD_COND_INITIALIZER;
static _Atomic int exit_code = -1; /* not yet */

static void end(int code) {
    pthread_mutex_lock(&mutex);
    if (exit_code < 0) exit_code = code;
    pthread_cond_signal(&ended);
    pthread_mutex_unlock(&mutex);
}

/* ---- Reading. A field that is not there is NULL, and NULL has no fields. ---- */

static bool is(const msgpack_object *value, msgpack_object_type type) {
    return value != NULL && value->type == type;
}

static const msgpack_object *field(const msgpack_object *map, const char *name) {
    for (uint32_t i = 0; is(map, MSGPACK_OBJECT_MAP) && i < map->via.map.size; i++) {
        const msgpack_object_kv *entry = &map->via.map.ptr[i];
        if (is(&entry->key, MSGPACK_OBJECT_STR) && entry->key.via.str.size == strlen(name) &&
            memcmp(entry->key.via.str.ptr, name, strlen(name)) == 0)
            return &entry->val;
    }
    return NULL;
}

/* The item of a list; NULL behind its end. */
static const msgpack_object *item(const msgpack_object *list, uint32_t i) {
    if (!is(list, MSGPACK_OBJECT_ARRAY) || i >= list->via.array.size) return NULL;
    return &list->via.array.ptr[i];
}

/* Copies the text of a field, as much as fits. False, and "", if there is none. */
static bool copy(char *to, size_t size, const msgpack_object *map, const char *name) {
    const msgpack_object *value = field(map, name);
    bool found = is(value, MSGPACK_OBJECT_STR);
    size_t length = found ? value->via.str.size : 0;
    if (length >= size) length = size - 1;
    if (found) memcpy(to, value->via.str.ptr, length);
    to[length] = '\0';
    return found;
}

/* A number comes as an integer or as a float: that is its packer's choice. */
static double number(const msgpack_object *map, const char *name) {
    const msgpack_object *it = field(map, name);
    if (is(it, MSGPACK_OBJECT_POSITIVE_INTEGER)) return (double)it->via.u64;
    if (is(it, MSGPACK_OBJECT_FLOAT32) || is(it, MSGPACK_OBJECT_FLOAT64)) return it->via.f64;
    return 0;
}

static bool is_one_of(const char *text, const char *const *words) {
    while (*words != NULL && strcmp(text, *words) != 0) words++;
    return *words != NULL;
}

static bool is_nowhere(void) {
    return is_one_of(state, (const char *[]){"TASK_DROPPED", "TASK_GONE", "TASK_GONE_BY_OPERATOR",
                                             "TASK_UNKNOWN", NULL});
}

static bool has_ended(void) {
    return is_one_of(state, (const char *[]){"TASK_FINISHED", "TASK_FAILED", "TASK_ERROR",
                                             "TASK_KILLED", NULL});
}

static bool has_finished(void) {
    return strcmp(state, "TASK_FINISHED") == 0;
}

/* ---- Writing, one message at a time. Maps and lists are announced with their size. ---- */

static msgpack_sbuffer bytes;
static msgpack_packer packer;

static void put(const char *text) {
    msgpack_pack_str(&packer, strlen(text));
    msgpack_pack_str_body(&packer, text, strlen(text));
}

static void put_text(const char *name, const char *value) {
    put(name);
    put(value);
}

static void put_number(const char *name, double value) {
    put(name);
    msgpack_pack_double(&packer, value);
}

static void put_list(const char *name, size_t size) {
    put(name);
    msgpack_pack_array(&packer, size);
}

static void put_map(const char *name, size_t size) {
    put(name);
    msgpack_pack_map(&packer, size);
}

static void begin(size_t fields) {
    msgpack_sbuffer_clear(&bytes);
    msgpack_pack_map(&packer, fields);
}

static void publish(const char *subject, const char *reply) {
    natsStatus status =
        reply == NULL
            ? natsConnection_Publish(nats, subject, bytes.data, (int)bytes.size)
            : natsConnection_PublishRequest(nats, subject, reply, bytes.data, (int)bytes.size);
    if (status != NATS_OK) fprintf(stderr, "%s: %s\n", subject, natsStatus_GetText(status));
}

/* Calls the leader with what was written. It answers to our inbox. */
static void call(const char *verb) {
    char subject[SUBJECT_SIZE], reply[SUBJECT_SIZE];
    snprintf(subject, sizeof subject, "%s.master.framework.%s.%s", cluster, me, verb);
    snprintf(reply, sizeof reply, "_INBOX.%s.framework.%s.%s", cluster, me, verb);
    publish(subject, reply);
}

/* ---- What is heard, and what is done about it. ---- */

/* Every second. What is sent may be lost: what matters is said until it has come about. */
static void hear_leader(const char *subject, const msgpack_object *beat) {
    (void)subject;
    if (number(beat, "epoch") > leader) leader = number(beat, "epoch");
    if (known_to < leader) {
        begin(4);
        put_text("name", "echo in C");
        put_text("secret", secret);
        put("known"); /* what was torn down while we were away does not begin anew */
        known_to > 0 ? msgpack_pack_true(&packer) : msgpack_pack_false(&packer);
        put_number("epoch", leader); /* a leader that knows less does not say that it was */
        call("subscribe");
    } else if (has_ended()) {
        begin(0);
        call("teardown");
    } else if (task[0] != '\0') { /* with many tasks, once a minute will do */
        begin(1);
        put_list("tasks", 1);
        msgpack_pack_map(&packer, 2);
        put_text("taskId", task);
        put_text("agentId", agent);
        call("reconcile");
    }
}

/* The answer to a call: {}, or the {name, message} of a refusal. */
static void hear_answer(const char *subject, const msgpack_object *answer) {
    const char *verb = strrchr(subject, '.') + 1;
    char name[ID_SIZE], message[TEXT_SIZE];
    bool is_refused = copy(name, sizeof name, answer, "name");
    copy(message, sizeof message, answer, "message");
    bool is_over = strcmp(name, "torn-down") == 0;
    bool is_done = !is_refused || strcmp(name, "not-subscribed") == 0;
    if (is_over || (is_done && strcmp(verb, "teardown") == 0)) {
        if (is_over && !has_finished()) fprintf(stderr, "%s\n", message);
        end(has_finished() ? 0 : 1);
    } else if (is_refused) {
        printf("%s was refused: %s: %s\n", verb, name, message);
        if (strcmp(verb, "accept") == 0) task[0] = '\0'; /* another offer will do */
    }
}

static bool fits(const msgpack_object *offer) {
    const msgpack_object *entry, *resources = field(offer, "resources");
    double cpus = 0, mem = 0;
    for (uint32_t i = 0; (entry = item(resources, i)) != NULL; i++) {
        char name[ID_SIZE];
        copy(name, sizeof name, entry, "name");
        if (strcmp(name, "cpus") == 0) cpus = number(entry, "scalar");
        if (strcmp(name, "mem") == 0) mem = number(entry, "scalar");
    }
    return cpus >= CPUS && mem >= MEM;
}

static void decline(const char *offer, const char *from, const char *reason) {
    printf("declined an offer of %s: %s\n", from, reason);
    begin(3);
    put_list("offers", 1);
    put(offer);
    put_number("refuseMs", 1000);
    put_text("reason", reason);
    call("decline");
}

/* Launches `echo hello` with what an offer holds. */
static void accept_offer(const char *offer) {
    printf("accepted an offer of %s\n", agent);
    begin(2);
    put_list("offers", 1);
    put(offer);
    put_list("operations", 1);
    msgpack_pack_map(&packer, 2);
    put_text("kind", "launch");
    put_list("tasks", 1);
    msgpack_pack_map(&packer, 3);
    put_text("taskId", task);
    put_map("resources", 2);
    put_number("cpus", CPUS);
    put_number("mem", MEM);
    put_map("command", 1);
    put_list("argv", 2);
    put("echo");
    put("hello");
    call("accept");
}

static void answer_offer(const msgpack_object *offer) {
    char id[ID_SIZE], from[ID_SIZE];
    copy(id, sizeof id, offer, "offerId");
    copy(from, sizeof from, offer, "agentId");
    answered++;
    if (!fits(offer)) return decline(id, from, "too small");
    if (task[0] != '\0') return decline(id, from, "one is enough");
    if (answered == 1) return decline(id, from, "the first one");
    snprintf(task, sizeof task, "echo-%d", answered);
    snprintf(agent, sizeof agent, "%s", from);
    state[0] = '\0';
    task_at[0] = task_at[1] = 0;
    accept_offer(id);
}

/* Later ones have higher numbers; where there is none, the leader knows of no other status. */
static void hear_status(const msgpack_object *status) {
    char id[ID_SIZE], news[ID_SIZE];
    const msgpack_object *at = field(status, "number");
    double incarnation = at == NULL ? task_at[0] : number(at, "incarnation");
    double count = at == NULL ? task_at[1] : number(at, "count");
    bool is_old = incarnation < task_at[0] || (incarnation == task_at[0] && count < task_at[1]);
    copy(id, sizeof id, status, "taskId");
    copy(news, sizeof news, status, "state");
    if (strcmp(id, task) != 0 || is_old || has_ended()) return;
    if (strcmp(news, state) == 0 || strcmp(news, "TASK_STAGING") == 0) return;
    task_at[0] = incarnation, task_at[1] = count;
    snprintf(state, sizeof state, "%s", news);
    printf("%s is %s\n", task, state);
    if (is_nowhere()) task[0] = '\0';
}

static void hear_events(const char *subject, const msgpack_object *message) {
    (void)subject;
    if (number(message, "epoch") != leader) return;
    const msgpack_object *event, *events = field(message, "events");
    for (uint32_t i = 0; (event = item(events, i)) != NULL; i++) {
        char kind[ID_SIZE];
        copy(kind, sizeof kind, event, "kind");
        if (strcmp(kind, "subscribed") == 0) {
            known_to = leader;
        } else if (strcmp(kind, "offers") == 0) {
            const msgpack_object *offer, *offers = field(event, "offers");
            for (uint32_t j = 0; (offer = item(offers, j)) != NULL; j++) answer_offer(offer);
        } else if (strcmp(kind, "status") == 0) {
            hear_status(field(event, "status"));
        } else if (strcmp(kind, "ping") == 0) {
            begin(0);
            call("pong");
        } else if (strcmp(kind, "error") == 0) { /* torn down, by us or by somebody else */
            char reason[TEXT_SIZE];
            copy(reason, sizeof reason, event, "message");
            if (!has_finished()) fprintf(stderr, "%s\n", reason);
            end(has_finished() ? 0 : 1);
        }
    }
}

/* From an agent, which repeats a status until it is acknowledged by its uuid. */
static void hear_updates(const char *subject, const msgpack_object *message) {
    char to[SUBJECT_SIZE];
    snprintf(to, sizeof to, "%s.ack.%s%s", cluster, me, strrchr(subject, '.'));
    const msgpack_object *status, *statuses = field(message, "statuses");
    for (uint32_t i = 0; (status = item(statuses, i)) != NULL; i++) {
        char id[ID_SIZE], uuid[ID_SIZE];
        hear_status(status);
        copy(id, sizeof id, status, "taskId");
        if (!copy(uuid, sizeof uuid, status, "uuid")) continue;
        begin(1);
        put_list("acks", 1);
        msgpack_pack_map(&packer, 2);
        put_text("taskId", id);
        put_text("uuid", uuid);
        publish(to, NULL);
    }
}

/* ---- The connection. ---- */
typedef void handler(const char *subject, const msgpack_object *message);

/* What is no msgpack is passed over, and what comes when all is done. */
static void on_message(natsConnection *from, natsSubscription *of, natsMsg *message, void *to) {
    (void)from, (void)of;
    msgpack_unpacked unpacked;
    msgpack_unpacked_init(&unpacked);
    const char *data = natsMsg_GetData(message);
    size_t length = (size_t)natsMsg_GetDataLength(message);
    bool is_read = msgpack_unpack_next(&unpacked, data, length, NULL) == MSGPACK_UNPACK_SUCCESS;
    if (is_read && exit_code < 0)
        (**(handler *const *)to)(natsMsg_GetSubject(message), &unpacked.data);
    msgpack_unpacked_destroy(&unpacked);
    natsMsg_Destroy(message);
}

static void on_error(natsConnection *from, natsSubscription *of, natsStatus status, void *closure) {
    (void)from, (void)of, (void)closure;
    fprintf(stderr, "nats: %s\n", natsStatus_GetText(status));
    end(1);
}

static void must(natsStatus status, const char *what) {
    if (status == NATS_OK) return;
    fprintf(stderr, "%s: %s\n", what, natsStatus_GetText(status));
    exit(1);
}

static natsSubscription *hear(const char *subject, handler *const *handle) {
    natsSubscription *made;
    must(natsConnection_Subscribe(&made, nats, subject, on_message, (void *)handle), subject);
    return made;
}

static const char *setting(const char *name, const char *otherwise) {
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : otherwise;
}

static void hexadecimal(char *to, size_t count) {
    unsigned char random[16];
    if (getentropy(random, sizeof random) != 0) abort();
    for (size_t i = 0; i < count; i++) sprintf(to + 2 * i, "%02x", random[i]);
}

static void connect_to_nats(void) {
    natsOptions *options;
    must(natsOptions_Create(&options), "options");
    must(natsOptions_SetURL(options, setting("NATS_URL", "nats://127.0.0.1:4222")), "NATS_URL");
    must(natsOptions_SetMaxReconnect(options, -1), "options");
    must(natsOptions_SetErrorHandler(options, on_error, NULL), "options");
    must(natsOptions_UseGlobalMessageDelivery(options, true), "options"); /* one thread */
    must(natsConnection_Connect(&nats, options), "NATS_URL");
    natsOptions_Destroy(options);
}

int main(void) {
    static handler *const handlers[] = {hear_answer, hear_events, hear_updates, hear_leader};
    natsSubscription *subscriptions[4];
    char subjects[4][SUBJECT_SIZE], id[17];
    setvbuf(stdout, NULL, _IOLBF, 0);
    cluster = setting("BOURSE_CLUSTER", "bourse");
    hexadecimal(id, 8);
    hexadecimal(secret, 16);
    snprintf(me, sizeof me, "%s.c-%s", setting("BOURSE_PRINCIPAL", "local"), id);
    snprintf(subjects[0], SUBJECT_SIZE, "_INBOX.%s.framework.%s.*", cluster, me);
    snprintf(subjects[1], SUBJECT_SIZE, "%s.framework.%s", cluster, me);
    snprintf(subjects[2], SUBJECT_SIZE, "%s.update.%s.*", cluster, me);
    snprintf(subjects[3], SUBJECT_SIZE, "%s.leader", cluster);
    msgpack_sbuffer_init(&bytes);
    msgpack_packer_init(&packer, &bytes, msgpack_sbuffer_write);
    connect_to_nats();
    for (int i = 0; i < 4; i++) subscriptions[i] = hear(subjects[i], &handlers[i]);
    pthread_mutex_lock(&mutex);
    while (exit_code < 0) pthread_cond_wait(&ended, &mutex);
    pthread_mutex_unlock(&mutex);
    natsConnection_Flush(nats);
    for (int i = 0; i < 4; i++) natsSubscription_Destroy(subscriptions[i]);
    natsConnection_Destroy(nats);
    nats_Close();
    msgpack_sbuffer_destroy(&bytes);
    return exit_code;
}
