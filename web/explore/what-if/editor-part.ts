import { handOver } from '../parts.js';
import { CodeEditor } from './code-editor.js';

/** The editor as a script of its own, which is loaded when the program's text is first shown. */
export type EditorPart = typeof CodeEditor;

handOver(CodeEditor);
