// Serves a folder of models over HTTP, with a route of the application's own beside those of the package.
using MiniOneRec;

NativeTuning.Apply();                                        // before the first tensor

var builder = WebApplication.CreateBuilder(args);
builder.Services.AddMiniOneRecServing(builder.Configuration).AddBaselines();     // AddBaselines: loaders of saved priors

var app = builder.Build();
app.MapMiniOneRec();
app.MapGet("/", () => "Routes: /docs. Health: /v2/health/ready. Metrics: /metrics.");
await app.RunAsync();
