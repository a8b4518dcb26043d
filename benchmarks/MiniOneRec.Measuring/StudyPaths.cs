namespace MiniOneRec.Measuring;

/// <summary>Finds data that is not part of the repository.</summary>
internal static class StudyPaths
{
    public static string Find(string folder, string variable, string? given, string relative)
    {
        string start = given ?? Environment.GetEnvironmentVariable(variable) ?? Path.Combine(Root(), "..", "shared", folder);
        string path = Path.GetFullPath(Path.Combine(start, relative));
        return File.Exists(path) || Directory.Exists(path)
            ? path
            : throw new FileNotFoundException(
                $"'{path}' does not exist; give the folder that holds '{relative}' as --{folder} or in {variable}.", path);
    }

    private static string Root()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "MiniOneRec.sln")))
            {
                return folder.FullName;
            }
        }

        return Directory.GetCurrentDirectory();
    }
}
