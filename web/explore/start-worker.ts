/** Who hears a worker. */
export interface WorkerListener<M> {
  readonly onMessage: (message: M) => void;
  /** It threw, or its script did not load: one that has said nothing by then never will. */
  readonly onFailure: (message: string) => void;
}

/** Starts a worker from a script of `parts.ts`; nothing that goes wrong with it is lost. */
export const startWorker = <M>(script: string, listener: WorkerListener<M>): Worker =>
  listenTo(new Worker(script), listener);

/** Hears a worker from now on. */
export function listenTo<M>(worker: Worker, { onMessage, onFailure }: WorkerListener<M>): Worker {
  worker.onmessage = ({ data }: MessageEvent<M>) => onMessage(data);
  // A script that does not load comes without a message.
  worker.onerror = ({ message }) => onFailure(message || 'the script of a worker did not load');
  worker.onmessageerror = () => onFailure('a worker said something that cannot be read');
  return worker;
}
