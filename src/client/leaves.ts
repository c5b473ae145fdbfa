export { entryLeaf, escrowLeaf, noteLeaf, personalLeaf, resultLeaf } from "../mesh/log/record-leaf.js";
