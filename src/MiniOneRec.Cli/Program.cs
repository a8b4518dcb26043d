using MiniOneRec.Cli;

return await CliProgram.RunAsync(args, Console.Out, Console.Error, CliProgram.CancelOnCtrlC());
