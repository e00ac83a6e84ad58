/** Milliseconds of work after which the event loop gets a turn. */
export const TURN = 20;

/**
 * Gives the event loop a turn: messages, signals and timers are heard. By a message to oneself, which Node and browsers
 * deliver at once; a browser would hold back a timer.
 */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    const heard = () => {
      port1.close();
      resolve();
    };
    port1.addEventListener('message', heard);
    port1.start();
    port2.postMessage(undefined);
  });
}
