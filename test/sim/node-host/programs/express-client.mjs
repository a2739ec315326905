/** A client that posts a beat by fetch every 2 s, and waits 1.5 s for an answer. */

let beats = 0;
let isThere = false;

async function beat() {
  try {
    const response = await fetch('http://server:3000/devices/dev-1', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ beats: ++beats }),
      signal: AbortSignal.timeout(1500),
    });
    const { beats: answered } = await response.json();
    if (answered !== beats) throw new Error(`${answered} for ${beats}`);
    if (!isThere) console.log('server there');
    isThere = true;
  } catch (error) {
    isThere = false;
    console.log(`server gone: ${error.cause?.code ?? error.name}`);
  }
}

void beat();
setInterval(beat, 2000);
