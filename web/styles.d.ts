/** Styles that a script brings with it; the bundler makes them the style of its page. */
declare module '*.css';
