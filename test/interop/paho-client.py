"""A client of Paho's Python library, which says what comes. usage: paho-client.py PORT NAME 3.1.1|5.0 KEEP-ALIVE-S

It subscribes to py/#, publishes a message of each QoS there, and has a will on py/will."""

import sys
import paho.mqtt.client as mqtt

port, name, version, keep_alive_s = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])


def say(text):
    print(text, flush=True)


def connected(client, userdata, flags, reason, properties=None):
    say('connected')
    client.subscribe('py/#', 2)


def subscribed(client, userdata, mid, granted, properties=None):
    say('subscribed')
    for qos in (0, 1, 2):
        client.publish('py/' + name, 'm%d' % qos, qos)


# Of 1.x, whose callbacks are another API in 2.x.
arguments = [mqtt.CallbackAPIVersion.VERSION1] if hasattr(mqtt, 'CallbackAPIVersion') else []
client = mqtt.Client(*arguments, client_id=name, protocol=mqtt.MQTTv5 if version == '5.0' else mqtt.MQTTv311)
client.on_connect = connected
client.on_subscribe = subscribed
client.on_message = lambda client, userdata, m: say('%s %s qos%d' % (m.topic, m.payload.decode(), m.qos))
client.on_publish = lambda client, userdata, mid: say('published %d' % mid)
client.on_disconnect = lambda client, userdata, reason, properties=None: say('disconnected')
client.on_log = lambda client, userdata, level, text: say(text) if 'PING' in text else None
client.will_set('py/will', name + ' is gone', 1)
client.connect('127.0.0.1', port, keep_alive_s)
client.loop_forever(retry_first_connection=False)
