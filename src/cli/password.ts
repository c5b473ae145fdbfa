// Commands about passwords that many people use. The others are loaded one by one.
export * as passwordAdd from "./password/add.js";
export * as passwordList from "./password/list.js";
export * as passwordEdit from "./password/edit.js";
export * as passwordRemove from "./password/remove.js";
