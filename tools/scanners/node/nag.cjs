// Applies cdk-nag's AwsSolutions rules to a CloudFormation template, and writes its report to a folder: nag.cjs TEMPLATE FOLDER
const { App, Aspects, Stack } = require("aws-cdk-lib");
const { CfnInclude } = require("aws-cdk-lib/cloudformation-include");
const { AwsSolutionsChecks, NagReportFormat } = require("cdk-nag");

const [template, folder] = process.argv.slice(2);
const app = new App({ outdir: folder });
new CfnInclude(new Stack(app, "storefront"), "template", { templateFile: template });
Aspects.of(app).add(new AwsSolutionsChecks({ reportFormats: [NagReportFormat.JSON] }));
app.synth();
