using System.Reflection;

return await StudyProgram.RunAsync(args, Assembly.GetExecutingAssembly());
