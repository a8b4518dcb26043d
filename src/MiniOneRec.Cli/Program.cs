using MiniOneRec.Cli;
using MiniOneRec.Cli.Processes;

if (RankPlace.Current.Size > 1)
{
    Environment.SetEnvironmentVariable("TERM", "dumb");         // Open MPI gives each process a terminal, whose output it collects
}

return await CliProgram.RunAsync(args, Console.Out, Console.Error, CliProgram.CancelOnCtrlC());
