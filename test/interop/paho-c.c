/* A client of Paho's C library. usage: paho-c URI KEEP-ALIVE-S PUBLISH-EVERY-MS (0: never); it runs until it is killed. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <MQTTAsync.h>

static volatile int is_connected;

static void connected(void *client, MQTTAsync_successData *data) { is_connected = 1; puts("connected"); }
static void failed(void *client, MQTTAsync_failureData *data) { puts("failed"); exit(1); }
static void lost(void *client, char *cause) { is_connected = 0; puts("lost"); }
static int arrived(void *client, char *topic, int length, MQTTAsync_message *message) {
  printf("%s %.*s qos%d%s\n", topic, message->payloadlen, (char *)message->payload, message->qos, message->dup ? " dup" : "");
  MQTTAsync_freeMessage(&message);
  MQTTAsync_free(topic);
  return 1;
}

int main(int count, char **arguments) {
  MQTTAsync client;
  MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
  if (count != 4) return 2;
  int every_ms = atoi(arguments[3]);
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (MQTTAsync_create(&client, arguments[1], "paho-c", MQTTCLIENT_PERSISTENCE_NONE, NULL) != MQTTASYNC_SUCCESS) return 1;
  MQTTAsync_setCallbacks(client, client, lost, arrived, NULL);
  options.keepAliveInterval = atoi(arguments[2]);
  options.cleansession = 1;
  options.onSuccess = connected;
  options.onFailure = failed;
  options.context = client;
  if (MQTTAsync_connect(client, &options) != MQTTASYNC_SUCCESS) return 1;
  for (;;) {
    usleep(every_ms > 0 ? every_ms * 1000 : 1000000);
    if (every_ms > 0 && is_connected) MQTTAsync_send(client, "paho-c/data", 4, "data", 0, 0, NULL);
  }
}
