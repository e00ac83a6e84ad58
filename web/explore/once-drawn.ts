/**
 * Does what needs to know how the page is laid out, such as scrolling, once all that is drawn now is drawn: parts are drawn
 * one after the other, and the browser would lay out the page anew for each that asks.
 */
export const onceDrawn = (work: () => void): void => queueMicrotask(work);
